package main

import (
	"strings"
	"testing"
)

func TestLineOf(t *testing.T) {
	chart := `{{- if .Values.account }}
# who it runs as
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ include "web.fullname" . }}
{{- end }}
---
{{- range .Values.list }}
---
apiVersion: v1
kind: ConfigMap
metadata:
  labels:
    name: not-this
  name: {{ $.Release.Name }}-list-{{ . }}
{{- end }}
---
kind: ConfigMap # another
apiVersion: v1
metadata: { name: "{{ .Release.Name }}-fixed" }
---
metadata:
  name: odd
apiVersion: v1
kind: {{ .Values.kind }}
`
	plain := `apiVersion: v1
kind: Service
metadata:
  name: api
---
apiVersion: v1
kind: Service
metadata:
  name: api-internal
---

# the second
"apiVersion": v1
"kind": "Secret"
"metadata": {"name": "keys"}
`
	cases := []struct {
		what, source, kind, name string
		renamed                  bool
		line                     int
	}{
		{"a name that a template makes", chart, "ServiceAccount", "shop-web", false, 3},
		{"one of a list", chart, "ConfigMap", "shop-list-b", false, 11},
		{"the same kind with a fixed ending", chart, "ConfigMap", "shop-fixed", false, 19},
		{"a kind that a template makes", chart, "Job", "odd", false, 23},
		{"nothing of the kind", plain, "Deployment", "api", false, 1},
		{"a name that is the start of another", plain, "Service", "api-internal", false, 6},
		{"a name with a prefix since", plain, "Service", "prod-api", true, 1},
		{"the longer of two names that a renamed one holds", plain, "Service", "prod-api-internal-v2", true, 6},
		{"keys in quotes", plain, "Secret", "keys", false, 13},
		{"an empty file", "", "Secret", "keys", false, 1},
		{"line ends of Windows", strings.ReplaceAll(plain, "\n", "\r\n"), "Secret", "keys", false, 13},
	}
	for _, one := range cases {
		t.Run(one.what, func(t *testing.T) {
			if line := lineOf(documentsIn([]byte(one.source)), one.kind, one.name, one.renamed); line != one.line {
				t.Errorf("line %d, not %d", line, one.line)
			}
		})
	}
}
