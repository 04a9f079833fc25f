//go:build tools

// The official command lines that test/render/record.ts compares the engine with.
package tools

import (
	_ "helm.sh/helm/v4/cmd/helm"
	_ "sigs.k8s.io/kustomize/kustomize/v5"
)
