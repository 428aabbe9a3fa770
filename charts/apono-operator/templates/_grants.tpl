{{/*
The namespaces that the operator writes to, as a JSON list: those that `grants` names, and those that
`grantedNamespaces` lists for its patterns.
*/}}
{{- define "apono-operator.grantedNamespaces" -}}
{{- $listed := default list .Values.grantedNamespaces -}}
{{- $names := list -}}
{{- $expressions := list -}}
{{- range $entry := include "apono-operator.grantEntries" . | fromJsonArray -}}
{{- if regexMatch "[*?\\[]" $entry -}}
{{- $expression := include "apono-operator.expression" $entry -}}
{{- include "apono-operator.checkPattern" (dict "pattern" $entry "expression" $expression "listed" $listed) -}}
{{- $expressions = append $expressions $expression -}}
{{- else -}}
{{- $names = append $names $entry -}}
{{- end -}}
{{- end -}}
{{- range $listed -}}
{{- include "apono-operator.checkCovered" (dict "namespace" . "names" $names "expressions" $expressions) -}}
{{- end -}}
{{- $granted := concat $names $listed | uniq | sortAlpha -}}
{{- include "apono-operator.checkWatched" (dict "granted" $granted "watched" (default list .Values.watchNamespaces)) -}}
{{- toJson $granted -}}
{{- end }}

{{/* The names and patterns of all grants, as a JSON list; the release's namespace if there are none. */}}
{{- define "apono-operator.grantEntries" -}}
{{- $entries := list -}}
{{- range .Values.grants -}}
{{- $entries = concat $entries .namespaces -}}
{{- end -}}
{{- default (list .Release.Namespace) $entries | toJson -}}
{{- end }}

{{/* A shell-style pattern as a regular expression. */}}
{{- define "apono-operator.expression" -}}
^{{ . | replace "[!" "[^" | replace "*" ".*" | replace "?" "." }}$
{{- end }}
