// Kustomize: builds an overlay as `kustomize build` does, after the edits that an Application asks for, made by
// Kustomize's own `edit` commands on a copy in memory. Source: Argo CD's "Kustomize" page.
package main

import (
	"fmt"
	"io"
	"path"
	"sort"
	"strings"
	"sync"

	"sigs.k8s.io/kustomize/api/konfig"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/provider"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kustomize/v5/commands/edit"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

type kustomizeParams struct {
	Path                    string            `json:"path"`
	NamePrefix              string            `json:"namePrefix,omitempty"`
	NameSuffix              string            `json:"nameSuffix,omitempty"`
	Images                  []string          `json:"images,omitempty"`
	Replicas                []replicas        `json:"replicas,omitempty"`
	CommonLabels            map[string]string `json:"commonLabels,omitempty"`
	ForceCommonLabels       bool              `json:"forceCommonLabels,omitempty"`
	LabelWithoutSelector    bool              `json:"labelWithoutSelector,omitempty"`
	LabelIncludeTemplates   bool              `json:"labelIncludeTemplates,omitempty"`
	CommonAnnotations       map[string]string `json:"commonAnnotations,omitempty"`
	ForceCommonAnnotations  bool              `json:"forceCommonAnnotations,omitempty"`
	Namespace               string            `json:"namespace,omitempty"`
	Patches                 []any             `json:"patches,omitempty"`
	Components              []string          `json:"components,omitempty"`
	IgnoreMissingComponents bool              `json:"ignoreMissingComponents,omitempty"`
	LoadRestrictionsNone    bool              `json:"loadRestrictionsNone,omitempty"`
	EnableHelm              bool              `json:"enableHelm,omitempty"`
	Reorder                 string            `json:"reorder,omitempty"` // "legacy" (the default) or "none"
	ManagedByLabel          bool              `json:"managedByLabel,omitempty"`
	KubeVersion             string            `json:"kubeVersion,omitempty"`
	APIVersions             []string          `json:"apiVersions,omitempty"`
}

type replicas struct {
	Name  string `json:"name"`
	Count int64  `json:"count"`
}

// oneAtATime: Kustomize keeps its OpenAPI schema in a variable of the process.
var oneAtATime sync.Mutex

func renderKustomize(r *request) ([]byte, error) {
	var params kustomizeParams
	if err := r.decode(&params); err != nil {
		return nil, err
	}
	oneAtATime.Lock()
	defer oneAtATime.Unlock()
	if r.ctx.Err() != nil {
		return nil, failf(kindCancelled, "cancelled")
	}
	system := newKustomizeFiles(newFiles(r))
	system.charts.enabled, system.charts.anywhere = params.EnableHelm, params.LoadRestrictionsNone
	system.charts.kubeVersion, system.charts.apiVersions = params.KubeVersion, params.APIVersions
	result, err := buildKustomize(r, system, &params)
	if system.refusal != nil {
		return nil, system.refusal
	}
	if err != nil {
		return nil, system.explain(err, params.Path)
	}
	return result, nil
}

func buildKustomize(r *request, system *kustomizeFiles, params *kustomizeParams) ([]byte, error) {
	root := path.Join(mountPoint, params.Path)
	if err := editKustomization(system, root, params); err != nil {
		return nil, err
	}
	system.building = true
	options := krusty.MakeDefaultOptions()
	options.Reorder = krusty.ReorderOptionLegacy
	if params.Reorder == "none" {
		options.Reorder = krusty.ReorderOptionNone
	}
	options.AddManagedbyLabel = params.ManagedByLabel
	if params.LoadRestrictionsNone {
		options.LoadRestrictions = types.LoadRestrictionsNone
	}
	built, err := krusty.MakeKustomizer(options).Run(system, root)
	if err != nil {
		return nil, err
	}
	result := newRendered(r)
	result.used = system.used
	origins := originsOf(system.source, path.Join(params.Path, kustomizationIn(system, root)))
	for _, resource := range built.Resources() {
		file, line := origins.of(resource)
		text, err := resource.MarshalJSON()
		if err != nil {
			return nil, err
		}
		if err := result.addAt(file, line, text); err != nil {
			return nil, err
		}
	}
	return result.finish()
}

func kustomizationIn(system *kustomizeFiles, root string) string {
	for _, name := range konfig.RecognizedKustomizationFileNames() {
		if system.Exists(path.Join(root, name)) {
			return name
		}
	}
	return ""
}

// editKustomization runs the edits in Argo CD's order.
func editKustomization(system *kustomizeFiles, root string, params *kustomizeParams) error {
	steps := editSteps(params)
	if len(steps) == 0 && len(params.Patches) == 0 && len(params.Components) == 0 {
		return nil
	}
	if kustomizationIn(system, root) == "" {
		return &failure{Kind: kindMissing, Message: "no kustomization file in " + params.Path, File: params.Path}
	}
	inside := &rootedFiles{kustomizeFiles: system, root: root}
	for _, step := range steps {
		if err := runEdit(inside, step); err != nil {
			return err
		}
	}
	if len(params.Patches) > 0 {
		if err := appendTo(system, path.Join(root, kustomizationIn(system, root)), "patches", params.Patches); err != nil {
			return err
		}
	}
	var local, remote []any
	for _, one := range params.Components {
		switch {
		case isRemote(one):
			remote = append(remote, one)
		case !params.IgnoreMissingComponents || inside.Exists(one):
			local = append(local, one)
		}
	}
	if len(local) > 0 {
		step := []string{"add", "component", "--"}
		for _, one := range local {
			step = append(step, one.(string))
		}
		if err := runEdit(inside, step); err != nil {
			return err
		}
	}
	if len(remote) == 0 {
		return nil
	}
	// Kustomize's edit would fetch it to see whether it is there.
	return appendTo(system, path.Join(root, kustomizationIn(system, root)), "components", remote)
}

func editSteps(params *kustomizeParams) [][]string {
	var steps [][]string
	if params.NamePrefix != "" {
		steps = append(steps, []string{"set", "nameprefix", "--", params.NamePrefix})
	}
	if params.NameSuffix != "" {
		steps = append(steps, []string{"set", "namesuffix", "--", params.NameSuffix})
	}
	if len(params.Images) > 0 {
		steps = append(steps, append([]string{"set", "image", "--"}, params.Images...))
	}
	if len(params.Replicas) > 0 {
		step := []string{"set", "replicas", "--"}
		for _, one := range params.Replicas {
			step = append(step, fmt.Sprintf("%s=%d", one.Name, one.Count))
		}
		steps = append(steps, step)
	}
	if len(params.CommonLabels) > 0 {
		step := []string{"add", "label"}
		if params.ForceCommonLabels {
			step = append(step, "--force")
		}
		if params.LabelWithoutSelector {
			step = append(step, "--without-selector")
		}
		if params.LabelIncludeTemplates {
			step = append(step, "--include-templates")
		}
		steps = append(steps, append(append(step, "--"), pairs(params.CommonLabels)...))
	}
	if len(params.CommonAnnotations) > 0 {
		step := []string{"add", "annotation"}
		if params.ForceCommonAnnotations {
			step = append(step, "--force")
		}
		steps = append(steps, append(append(step, "--"), pairs(params.CommonAnnotations)...))
	}
	if params.Namespace != "" {
		steps = append(steps, []string{"set", "namespace", "--", params.Namespace})
	}
	return steps
}

func pairs(from map[string]string) []string {
	all := make([]string, 0, len(from))
	for name, value := range from {
		all = append(all, name+":"+value)
	}
	sort.Strings(all)
	return all
}

func runEdit(system filesys.FileSystem, arguments []string) error {
	parts := provider.NewDefaultDepProvider()
	command := edit.NewCmdEdit(system, parts.GetFieldValidator(), parts.GetResourceFactory(), io.Discard)
	command.SetArgs(arguments)
	command.SetOut(io.Discard)
	command.SetErr(io.Discard)
	command.SilenceUsage, command.SilenceErrors = true, true
	return command.Execute()
}

// appendTo adds entries to a list of the file as it stands, the way Argo CD adds patches.
func appendTo(system *kustomizeFiles, name, field string, entries []any) error {
	text, err := system.ReadFile(name)
	if err != nil {
		return err
	}
	content := map[string]any{}
	if err := yaml.Unmarshal(text, &content); err != nil {
		return err
	}
	existing, _ := content[field].([]any)
	content[field] = append(existing, entries...)
	changed, err := yaml.Marshal(content)
	if err != nil {
		return err
	}
	return system.WriteFile(name, changed)
}

// kustomizeFailure makes a library's error readable: the paths as the repository has them, the kind by what it says.
func (k *kustomizeFiles) explain(err error, folder string) *failure {
	found := asFailure(err)
	if found.Kind != kindTemplate {
		return found
	}
	copied := *found
	copied.Message = strings.TrimSpace(k.readable(found.Message))
	switch {
	case strings.Contains(copied.Message, "must specify --enable-helm"):
		copied.Kind = kindUnsupported
		copied.Message = "helmCharts in a kustomization are not enabled: write --enable-helm into kustomize.buildOptions of argocd-cm"
	case strings.Contains(copied.Message, "plugins disabled"), strings.Contains(copied.Message, "operation not permitted"):
		copied.Kind = kindRefused
	case strings.Contains(copied.Message, "does not exist"), strings.Contains(copied.Message, "unable to find one of"),
		strings.Contains(copied.Message, "no such file"):
		copied.Kind = kindMissing
	}
	if located(&copied, func(name string) string { return name }); copied.File == "" {
		copied.File = folder
		if strings.HasPrefix(copied.Message, "invalid Kustomization") {
			copied.File = path.Join(folder, kustomizationIn(k, path.Join(mountPoint, folder)))
			if match := yamlLine.FindStringSubmatch(copied.Message); match != nil {
				copied.Line = number(match[1])
			}
		}
	}
	return &copied
}

func warmKustomize() {
	system := filesys.MakeFsInMemory()
	_ = system.WriteFile("/a/kustomization.yaml", []byte("resources: [a.yaml]\nnamePrefix: a-\n"))
	_ = system.WriteFile("/a/a.yaml", []byte("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"))
	_, _ = krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(system, "/a")
}
