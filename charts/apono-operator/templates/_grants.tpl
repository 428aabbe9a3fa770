{{/*
The namespaces that the operator writes to, as a JSON list: those that `grants` names, and those that
`grantedNamespaces` lists for its patterns. Fails where the values contradict each other.
*/}}
{{- define "apono-operator.grantedNamespaces" -}}
{{- $entries := list -}}
{{- range .Values.grants -}}
{{- $entries = concat $entries .namespaces -}}
{{- end -}}
{{- $entries = default (list .Release.Namespace) $entries | uniq -}}
{{- $names := list -}}
{{- $expressions := list -}}
{{- range $entry := $entries -}}
{{- if regexMatch "[*?\\[]" $entry -}}
{{- $expression := include "apono-operator.expression" $entry -}}
{{- $expressions = append $expressions $expression -}}
{{- include "apono-operator.requireMatch" (dict "pattern" $entry "expression" $expression "listed" $.Values.grantedNamespaces) -}}
{{- else -}}
{{- $names = append $names $entry -}}
{{- end -}}
{{- end -}}
{{- range $listed := .Values.grantedNamespaces -}}
{{- $covered := has $listed $names -}}
{{- range $expressions -}}
{{- $covered = or $covered (regexMatch . $listed) -}}
{{- end -}}
{{- if not $covered -}}
{{- fail (printf "grantedNamespaces: no grant covers the namespace %s. Name it in grants[].namespaces, or take it out of grantedNamespaces" $listed) -}}
{{- end -}}
{{- end -}}
{{- $granted := concat $names .Values.grantedNamespaces | uniq | sortAlpha -}}
{{- include "apono-operator.requireWatched" (dict "granted" $granted "watched" .Values.watchNamespaces) -}}
{{- toJson $granted -}}
{{- end }}

{{/* A shell-style pattern as a regular expression. */}}
{{- define "apono-operator.expression" -}}
^{{ . | replace "[!" "[^" | replace "*" ".*" | replace "?" "." }}$
{{- end }}

{{- define "apono-operator.requireMatch" -}}
{{- $expression := .expression -}}
{{- $matched := false -}}
{{- range .listed -}}
{{- $matched = or $matched (regexMatch $expression .) -}}
{{- end -}}
{{- if not $matched -}}
{{- fail (printf "grants: the pattern %s cannot be written into a Role. List the namespaces that it stands for in grantedNamespaces, for example grantedNamespaces: [team-a, team-b]" .pattern) -}}
{{- end -}}
{{- end }}

{{- define "apono-operator.requireWatched" -}}
{{- $watched := .watched -}}
{{- range $namespace := .granted -}}
{{- if and $watched (not (has $namespace $watched)) -}}
{{- fail (printf "watchNamespaces: the namespace %s is granted (without grants, the release's namespace is) but not watched. Add it to watchNamespaces, or name the namespaces of connectors in grants" $namespace) -}}
{{- end -}}
{{- end -}}
{{- end }}
