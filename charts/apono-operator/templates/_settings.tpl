{{/*
The operator's settings as environment variables: watchNamespaces becomes APONO_OPERATOR_WATCH_NAMESPACES. What is
empty is left to the operator's default.
*/}}
{{- define "apono-operator.settings" -}}
{{- range $key := list "watchNamespaces" "grants" "permissionsBoundaries" "allowUnboundedRoles"
      "allowedManagedPolicyArns" "allowedRoleTagKeys" "roleTags" "maxSessionDuration" "connectorImage" "aponoUrl"
      "resyncSeconds" "secretPollSeconds" "workers" "logFormat" "logLevel" }}
{{- with index $.Values $key }}
- name: APONO_OPERATOR_{{ snakecase $key | upper }}
  value: {{ include "apono-operator.setting" . | quote }}
{{- end }}
{{- end }}
{{- end }}

{{/* One value: a text as it is, a list of texts separated by commas, all else as JSON. */}}
{{- define "apono-operator.setting" -}}
{{- if kindIs "string" . -}}
{{ . }}
{{- else if and (kindIs "slice" .) (kindIs "string" (first .)) -}}
{{ join "," . }}
{{- else -}}
{{ toJson . }}
{{- end -}}
{{- end }}
