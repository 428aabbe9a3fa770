{{/* Where a private CA's bundle is mounted, in the operator's pod as in those of connectors. */}}
{{- define "apono-operator.privateCaDirectory" -}}
/etc/apono/private-ca
{{- end }}

{{/*
What no proxy may stand in the way of, separated by commas: this host, the API server, the cluster's own names, and the
Pod Identity agent (Amazon EKS User Guide, "Learn how EKS Pod Identity grants pods access to AWS services"), then what
the administrator adds. Connectors get the same from the operator.
*/}}
{{- define "apono-operator.noProxy" -}}
{{- $always := list "localhost" "127.0.0.1" "169.254.170.23" "[fd00:ec2::23]" "$(KUBERNETES_SERVICE_HOST)" "kubernetes"
      "kubernetes.default" ".svc" (printf ".%s" .Values.proxy.clusterDomain) -}}
{{- concat $always .Values.proxy.noProxy | join "," -}}
{{- end }}

{{/* The operator's own way out: proxy and private CA, as environment variables. */}}
{{- define "apono-operator.networkEnv" -}}
{{- with .Values.proxy.httpProxy }}
- name: HTTP_PROXY
  value: {{ . | quote }}
{{- end }}
{{- with .Values.proxy.httpsProxy }}
- name: HTTPS_PROXY
  value: {{ . | quote }}
{{- end }}
{{- if or .Values.proxy.httpProxy .Values.proxy.httpsProxy }}
- name: NO_PROXY
  value: {{ include "apono-operator.noProxy" . | quote }}
{{- end }}
{{- if .Values.privateCa.configMap }}
- name: AWS_CA_BUNDLE
  value: {{ include "apono-operator.privateCaDirectory" . }}/{{ .Values.privateCa.key }}
{{- end }}
{{- end }}

{{/* The port of a proxy's URL: the one it names, else that of its scheme. */}}
{{- define "apono-operator.proxyPort" -}}
{{- $url := urlParse . -}}
{{- regexFind "[0-9]+$" (regexFind ":[0-9]+$" $url.host) | default (eq $url.scheme "https" | ternary "443" "80") -}}
{{- end }}
