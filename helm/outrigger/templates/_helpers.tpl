{{- define "outrigger.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{- define "outrigger.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else if contains (include "outrigger.name" .) .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "outrigger.name" .) | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* Names of objects without a namespace: two releases must not share them. */}}
{{- define "outrigger.clusterName" -}}
{{- printf "%s-%s" (include "outrigger.fullname" .) .Release.Namespace -}}
{{- end -}}

{{- define "outrigger.selectorLabels" -}}
app.kubernetes.io/name: {{ include "outrigger.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "outrigger.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{ include "outrigger.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: outrigger
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "outrigger.image" -}}
{{- $image := .Values.global.image -}}
{{- $name := printf "%s/%s" $image.registry $image.repository -}}
{{- if $image.digest -}}
{{- printf "%s@%s" $name $image.digest -}}
{{- else -}}
{{- printf "%s:%s" $name (default .Chart.AppVersion $image.tag) -}}
{{- end -}}
{{- end -}}

{{- define "outrigger.failurePolicy" -}}
{{- default (ternary "Fail" "Ignore" .Values.ha) .Values.webhook.failurePolicy -}}
{{- end -}}

{{- define "outrigger.replicas" -}}
{{- if .Values.ha -}}{{ max 3 (int .Values.controlPlane.replicas) }}{{- else -}}{{ .Values.controlPlane.replicas }}{{- end -}}
{{- end -}}

{{/* What one pod may see of namespaces: never Kubernetes' own, never ours. */}}
{{- define "outrigger.excludedNamespaces" -}}
{{- concat (list "kube-system" "kube-public" "kube-node-lease" .Release.Namespace) .Values.webhook.excludedNamespaces | uniq | toJson -}}
{{- end -}}

{{- define "outrigger.restricted" -}}
allowPrivilegeEscalation: false
capabilities: {drop: [ALL]}
privileged: false
readOnlyRootFilesystem: true
runAsGroup: 65532
runAsNonRoot: true
runAsUser: 65532
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{/* The volume with the agent's socket. No default in the values: Helm would add what is given to it. */}}
{{- define "outrigger.spiffeVolume" -}}
{{- .Values.ca.spire.volume | default (dict "csi" (dict "driver" "csi.spiffe.io" "readOnly" true)) | toJson -}}
{{- end -}}
