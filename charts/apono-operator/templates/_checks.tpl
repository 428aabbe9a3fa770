{{/* What the schema of values cannot say, or not so that one understands it. Each refusal tells what to write. */}}
{{- define "apono-operator.check" -}}
{{- include "apono-operator.checkBoundary" . -}}
{{- include "apono-operator.checkElection" .Values -}}
{{- include "apono-operator.checkLeft" .Values -}}
{{- include "apono-operator.checkManagementAccounts" .Values.managementAccounts -}}
{{- range $entry := .Values.extraEnv -}}
{{- if hasPrefix "APONO_OPERATOR_" .name -}}
{{- fail (printf "extraEnv: %s is a setting of the operator. Set the value of this chart that stands for it" .name) -}}
{{- end -}}
{{- $chosen := include "apono-operator.networkEnv" $ | fromYamlArray -}}
{{- range $variable := $chosen -}}
{{- if eq $variable.name $entry.name -}}
{{- fail (printf "extraEnv: %s is set by the values proxy and privateCa already. Take it out of extraEnv" $entry.name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $label, $_ := .Values.podLabels -}}
{{- if hasKey (include "apono-operator.labels" $ | fromYaml) $label -}}
{{- fail (printf "podLabels: %s is a label that this chart sets. Take it out of podLabels" $label) -}}
{{- end -}}
{{- end -}}
{{- end }}

{{- define "apono-operator.checkBoundary" -}}
{{- if not (or .Values.permissionsBoundaries .Values.allowUnboundedRoles) -}}
{{- fail (print
      "permissionsBoundaries is empty, and without a boundary no role is made. Set one, for example "
      "permissionsBoundaries.ReadOnly=arn:aws:iam::123456789012:policy/connector-boundary, "
      "or accept roles without one by allowUnboundedRoles=true") -}}
{{- end -}}
{{- end }}

{{/* Connectors go with their definition, and nobody would be there to let them. */}}
{{- define "apono-operator.checkLeft" -}}
{{- if and .uninstall.leaveConnectors .crds.install (not .crds.keep) -}}
{{- fail (print
      "uninstall.leaveConnectors: with crds.keep=false the definition is deleted with the release, and with it the "
      "connectors that shall be left. Leave one of them as it is") -}}
{{- end -}}
{{- end }}

{{/* Several operators need a Lease, and its times must fit each other. */}}
{{- define "apono-operator.checkElection" -}}
{{- if and (gt (int .replicas) 1) (not .leaderElection) -}}
{{- fail "replicas: without leaderElection, all of them would work on the same connectors. Set replicas to 1" -}}
{{- end -}}
{{- if or (gt (addf .leaseRenewDeadlineSeconds 1) (float64 .leaseDurationSeconds))
      (gt (mulf .leaseRetrySeconds 2) (float64 .leaseRenewDeadlineSeconds)) -}}
{{- fail (print
      "leaseRenewDeadlineSeconds must be at least a second less than leaseDurationSeconds, and leaseRetrySeconds at "
      "most half of it") -}}
{{- end -}}
{{- end }}

{{/* A pattern needs a namespace that it stands for. Takes pattern, expression, listed. */}}
{{- define "apono-operator.checkPattern" -}}
{{- $expression := .expression -}}
{{- $matched := false -}}
{{- range .listed -}}
{{- $matched = or $matched (regexMatch $expression .) -}}
{{- end -}}
{{- if not $matched -}}
{{- fail (printf (print
      "grants: the pattern %s cannot be written into a Role. List the namespaces that it stands for in "
      "grantedNamespaces, for example grantedNamespaces: [team-a, team-b]") .pattern) -}}
{{- end -}}
{{- end }}

{{/* A listed namespace needs a grant. Takes namespace, names, expressions. */}}
{{- define "apono-operator.checkCovered" -}}
{{- $namespace := .namespace -}}
{{- $covered := has $namespace .names -}}
{{- range .expressions -}}
{{- $covered = or $covered (regexMatch . $namespace) -}}
{{- end -}}
{{- if not $covered -}}
{{- fail (printf (print
      "grantedNamespaces: no grant covers the namespace %s. Name it in grants[].namespaces, "
      "or take it out of grantedNamespaces") $namespace) -}}
{{- end -}}
{{- end }}

{{/* A granted namespace must be watched. Takes granted, watched. */}}
{{- define "apono-operator.checkWatched" -}}
{{- $watched := .watched -}}
{{- range .granted -}}
{{- if and $watched (not (has . $watched)) -}}
{{- fail (printf (print
      "watchNamespaces: the namespace %s is granted (without grants, the release's namespace is) but not watched. "
      "Add it to watchNamespaces, or name the namespaces of connectors in grants") .) -}}
{{- end -}}
{{- end -}}
{{- end }}

{{/* What an entry's members have to do with each other; partitions and names are left to the operator's own reading. */}}
{{- define "apono-operator.checkManagementAccounts" -}}
{{- $seen := list -}}
{{- range . -}}
{{- if has .accountId $seen -}}
{{- fail (printf "managementAccounts: there is more than one entry for the account %s. Make one of them" .accountId) -}}
{{- end -}}
{{- $seen = append $seen .accountId -}}
{{- $sources := without (list .templateUrl .templateFile .sendTemplateBody) nil "" false -}}
{{- if ne (len $sources) 1 -}}
{{- fail (printf (print
      "managementAccounts: the entry of the account %s needs one of templateUrl (https://...), templateFile "
      "(a path in the operator's pod) and sendTemplateBody: true") .accountId) -}}
{{- end -}}
{{- $account := .accountId -}}
{{- range concat (list .roleArn .cloudFormationRoleArn) (values .permissionsBoundaries) -}}
{{- if ne (index (splitList ":" .) 4) $account -}}
{{- fail (printf "managementAccounts: %s is not of the account %s, which accountId names" . $account) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end }}
