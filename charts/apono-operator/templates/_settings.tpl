{{/*
The operator's settings as environment variables: watchNamespaces becomes APONO_OPERATOR_WATCH_NAMESPACES. What is
empty is left to the operator's default, but for false and 0, and for allowedEnvNames: that default is not empty, and an
empty list means it.
*/}}
{{- define "apono-operator.settings" -}}
- name: APONO_OPERATOR_DEPLOYMENT_NAME
  value: {{ include "apono-operator.fullname" . | quote }}
{{- range $key := list "watchNamespaces" "watchSelector" "grants" "permissionsBoundaries" "allowUnboundedRoles"
      "allowedManagedPolicyArns" "allowedRoleTagKeys" "allowedEnvNames" "allowedPodLabelKeys"
      "allowedPodAnnotationKeys" "managementAccounts" "roleTags" "maxSessionDuration" "connectorImage"
      "connectorImagePullSecrets" "proxy" "privateCa" "aponoUrl" "resyncSeconds" "secretPollSeconds" "stackPollSeconds"
      "workers" "awsRateLimits" "leaderElection" "leaseDurationSeconds" "leaseRenewDeadlineSeconds" "leaseRetrySeconds"
      "httpPort" "logFormat" "logLevel" }}
{{- $value := index $.Values $key }}
{{- if or $value (has (kindOf $value) (list "bool" "int" "int64" "float64")) (and (eq $key "allowedEnvNames") (kindIs "slice" $value)) }}
- name: APONO_OPERATOR_{{ snakecase $key | upper }}
  value: {{ include "apono-operator.setting" $value | quote }}
{{- end }}
{{- end }}
{{- end }}

{{/* One value: a text as it is, a list of texts separated by commas, all else as JSON. */}}
{{- define "apono-operator.setting" -}}
{{- if kindIs "string" . -}}
{{ . }}
{{- else if and (kindIs "slice" .) (or (not .) (kindIs "string" (first .))) -}}
{{ join "," . }}
{{- else -}}
{{ toJson . }}
{{- end -}}
{{- end }}
