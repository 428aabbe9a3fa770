{{/* Name of the chart. */}}
{{- define "apono-operator.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end }}

{{/* Name of the objects: the release's name alone when it has the chart's in it. */}}
{{- define "apono-operator.fullname" -}}
{{- $name := include "apono-operator.name" . -}}
{{- $full := contains $name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name $name) -}}
{{- default $full .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- end }}

{{- define "apono-operator.serviceAccountName" -}}
{{- $default := .Values.serviceAccount.create | ternary (include "apono-operator.fullname" .) "default" -}}
{{- default $default .Values.serviceAccount.name -}}
{{- end }}

{{- define "apono-operator.selectorLabels" -}}
app.kubernetes.io/name: {{ include "apono-operator.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}

{{/* What the pods of the check before an uninstallation are called: not as the operator's. */}}
{{- define "apono-operator.uninstallName" -}}
{{ include "apono-operator.name" . | trunc 53 | trimSuffix "-" }}-uninstall
{{- end }}

{{- define "apono-operator.labels" -}}
{{ include "apono-operator.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/component: operator
app.kubernetes.io/managed-by: {{ .Release.Service | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "apono-operator.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ default $.Chart.AppVersion .tag }}
{{- end -}}
{{- end -}}
{{- end }}
