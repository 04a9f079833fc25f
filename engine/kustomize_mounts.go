// What a kustomization names beyond its repository: other repositories and single files behind URLs. Node fetches them
// and mounts them beside the repository; here, each is found in the text, asked for, and replaced by where it stands.
package main

import (
	"encoding/json"
	"fmt"
	"path"
	"path/filepath"
	"strings"

	"sigs.k8s.io/kustomize/api/konfig"
	kyaml "sigs.k8s.io/kustomize/kyaml/yaml"
)

// mountsPoint: below it stands what was mounted, by number.
const mountsPoint = "/beside"

// mountMark begins Node's names of mounts; no name in a Git tree holds it.
const mountMark = "\x00"

// kept below a kustomization's own folder, since Kustomize takes files only from there.
const fetchedFolder = ".driftless"

type mount struct {
	// name is Node's, label is for people: the URL as it was written.
	name, label string
}

// system turns a path of Node into one that Kustomize sees.
func (k *kustomizeFiles) system(name string) string {
	if !strings.HasPrefix(name, mountMark) {
		return path.Join(mountPoint, name)
	}
	first, rest, _ := strings.Cut(name, "/")
	for index, one := range k.mounts {
		if one.name == first {
			return path.Join(mountsPoint, fmt.Sprint(index), rest)
		}
	}
	return mountsPoint
}

// inside turns a path that Kustomize sees into one of Node.
func (k *kustomizeFiles) inside(name string) (string, error) {
	cleaned := path.Clean(name)
	if cleaned == mountPoint {
		return "", nil
	}
	if rest, found := strings.CutPrefix(cleaned, mountPoint+"/"); found {
		return rest, nil
	}
	if rest, found := strings.CutPrefix(cleaned, mountsPoint+"/"); found {
		number, below, _ := strings.Cut(rest, "/")
		for index, one := range k.mounts {
			if fmt.Sprint(index) == number {
				return path.Join(one.name, below), nil
			}
		}
	}
	return "", k.refuse(&failure{Kind: kindRefused, Message: fmt.Sprintf("%s leads out of the repository", k.readable(name)), File: k.readable(name)})
}

// top is where the repository begins that a path stands in.
func (k *kustomizeFiles) top(name string) string {
	if rest, found := strings.CutPrefix(name, mountsPoint+"/"); found {
		number, _, _ := strings.Cut(rest, "/")
		return path.Join(mountsPoint, number)
	}
	return mountPoint
}

// readable takes mount points out of a text.
func (k *kustomizeFiles) readable(text string) string {
	for index, one := range k.mounts {
		at := path.Join(mountsPoint, fmt.Sprint(index))
		text = strings.ReplaceAll(text, at+"/", one.label+"/")
		text = strings.ReplaceAll(text, at, one.label)
	}
	return unmounted(text)
}

type wantedMount struct {
	URL  string `json:"url,omitempty"`
	File string `json:"file"`
	Line int    `json:"line,omitempty"`
	// As is what Kustomize wants there: "directory" or "file".
	As string `json:"as"`
	// A chart of a Helm repository or OCI registry.
	Chart   string `json:"chart,omitempty"`
	Repo    string `json:"repo,omitempty"`
	Version string `json:"version,omitempty"`
}

func (w wantedMount) label() string {
	if w.Chart != "" {
		return w.Chart
	}
	return w.URL
}

// mount asks Node where something stands. The path is one that Kustomize sees; "" means that it has to be fetched first,
// after which the whole render is asked for again.
func (k *kustomizeFiles) mount(wanted wantedMount) (at string, isFile bool, err error) {
	text, err := json.Marshal(wanted)
	if err != nil {
		return "", false, err
	}
	reply, err := k.source.request.ask("remote", string(text))
	if err != nil {
		found := asFailure(err)
		found.File, found.Line = wanted.File, wanted.Line
		return "", false, k.refuse(found)
	}
	if reply.message.Found == "absent" {
		k.pending = true
		return "", false, nil
	}
	name, _, _ := strings.Cut(reply.message.Path, "/")
	known := false
	for _, one := range k.mounts {
		known = known || one.name == name
	}
	if !known {
		label, _, _ := strings.Cut(wanted.label(), "?")
		k.mounts = append(k.mounts, mount{name, strings.TrimRight(label, "/")})
	}
	return k.system(reply.message.Path), reply.message.Found == "file", nil
}

// fetchFile mounts a single file and lays it where Kustomize may read it; returns its path from the folder.
func (k *kustomizeFiles) fetchFile(folder string, wanted wantedMount) (string, error) {
	wanted.As = "file"
	at, _, err := k.mount(wanted)
	if err != nil || at == "" {
		return "", err
	}
	return k.lay(folder, at, wanted.URL)
}

func (k *kustomizeFiles) lay(folder, at, written string) (string, error) {
	found, _, err := k.find(at)
	if err != nil {
		return "", err
	}
	if found.kind != file {
		return "", k.refuse(&failure{Kind: kindMissing, Message: written + " is no file"})
	}
	base, _, _ := strings.Cut(path.Base(written), "?")
	relative := path.Join(fetchedFolder, path.Base(k.top(at)), base)
	k.written[path.Join(folder, relative)] = found.data
	return relative, nil
}

// prepare replaces what a kustomization names elsewhere by where it stands, and its charts by what they render.
func (k *kustomizeFiles) prepare(name string, text []byte) ([]byte, error) {
	own := k.system2inside(name)
	maybe := strings.Contains(string(text), "://") || strings.Contains(string(text), "@") ||
		strings.Contains(strings.ToLower(string(text)), "github.com") || k.charts.enabled || len(k.mounts) > 0
	if !maybe {
		return text, nil
	}
	tree, err := kyaml.Parse(string(text))
	if err != nil || tree.YNode().Kind != kyaml.MappingNode {
		return text, nil // Kustomize says what is wrong
	}
	change := &rewrite{files: k, name: own, folder: path.Dir(path.Clean(name)), text: string(text)}
	if err := change.apply(tree); err != nil {
		return nil, k.refuse(asFailure(err))
	}
	if k.pending {
		return nil, k.refuse(&failure{Kind: kindRequest, Message: "what the kustomization names elsewhere has to be fetched first", File: own})
	}
	if err := k.inflateCharts(tree, change); err != nil {
		return nil, k.refuse(asFailure(err))
	}
	if k.pending {
		return nil, k.refuse(&failure{Kind: kindRequest, Message: "charts have to be fetched first", File: own})
	}
	if !change.changed {
		return text, nil
	}
	result, err := tree.String()
	return []byte(result), err
}

// system2inside names a file for people.
func (k *kustomizeFiles) system2inside(name string) string {
	return k.readable(path.Clean(name))
}

type rewrite struct {
	files        *kustomizeFiles
	name, folder string
	text         string
	changed      bool
}

func (w *rewrite) wanted(url, as string) wantedMount {
	found := wantedMount{URL: url, File: w.name, As: as}
	for at, line := range strings.Split(w.text, "\n") {
		if strings.Contains(line, url) {
			found.Line = at + 1
			break
		}
	}
	return found
}

var (
	listsOfFolders = []string{"resources", "bases", "components"}
	placesOfFiles  = []string{"crds", "configurations", "generators", "transformers", "validators", "openapi", "patches",
		"patchesStrategicMerge", "patchesJson6902", "replacements", "configMapGenerator", "secretGenerator"}
)

func (w *rewrite) apply(tree *kyaml.RNode) error {
	for _, field := range listsOfFolders {
		if err := w.eachText(tree, field, w.folderOrFile); err != nil {
			return err
		}
	}
	for _, field := range placesOfFiles {
		at := tree.Field(field)
		if at == nil {
			continue
		}
		if err := w.filesIn(at.Value); err != nil {
			return err
		}
	}
	return nil
}

func (w *rewrite) eachText(tree *kyaml.RNode, field string, change func(*kyaml.Node) error) error {
	at := tree.Field(field)
	if at == nil || at.Value.YNode().Kind != kyaml.SequenceNode {
		return nil
	}
	for _, one := range at.Value.Content() {
		if one.Kind == kyaml.ScalarNode {
			if err := change(one); err != nil {
				return err
			}
		}
	}
	return nil
}

// filesIn visits strings of a list, and those under keys that hold names of files.
func (w *rewrite) filesIn(value *kyaml.RNode) error {
	visit := func(table *kyaml.RNode) error {
		for _, key := range []string{"path", "env"} {
			if at := table.Field(key); at != nil && at.Value.YNode().Kind == kyaml.ScalarNode {
				if err := w.oneFile(at.Value.YNode()); err != nil {
					return err
				}
			}
		}
		for _, key := range []string{"files", "envs"} {
			if err := w.eachText(table, key, w.oneFile); err != nil {
				return err
			}
		}
		return nil
	}
	switch value.YNode().Kind {
	case kyaml.MappingNode:
		return visit(value)
	case kyaml.SequenceNode:
		for _, one := range value.Content() {
			var err error
			switch one.Kind {
			case kyaml.ScalarNode:
				err = w.oneFile(one)
			case kyaml.MappingNode:
				err = visit(kyaml.NewRNode(one))
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *rewrite) replace(node *kyaml.Node, with string) {
	node.Value, node.Style, node.Tag = with, 0, kyaml.NodeTagString
	w.changed = true
}

func (w *rewrite) folderOrFile(node *kyaml.Node) error {
	if !isRemote(node.Value) {
		return w.within(node.Value)
	}
	at, isFile, err := w.files.mount(w.wanted(node.Value, "directory"))
	if err != nil || at == "" {
		return err
	}
	if isFile {
		relative, err := w.files.lay(w.folder, at, node.Value)
		if err != nil {
			return err
		}
		w.replace(node, relative)
		return nil
	}
	relative, err := filepath.Rel(w.folder, at)
	if err != nil {
		return err
	}
	w.files.placed[at] = true
	w.replace(node, relative)
	return nil
}

func (w *rewrite) oneFile(node *kyaml.Node) error {
	key, name := "", node.Value
	if before, after, found := strings.Cut(node.Value, "="); found && isURL(after) {
		key, name = before+"=", after
	}
	if !isURL(name) {
		if !strings.Contains(name, "\n") {
			return w.within(name)
		}
		return nil
	}
	relative, err := w.files.fetchFile(w.folder, w.wanted(name, "file"))
	if err != nil || relative == "" {
		return err
	}
	w.replace(node, key+relative)
	return nil
}

// within refuses a path that leads from one repository into another: mounts stand side by side, but not for that.
func (w *rewrite) within(name string) error {
	if len(w.files.mounts) == 0 || !strings.Contains(name, "..") {
		return nil
	}
	if _, after, found := strings.Cut(name, "="); found {
		name = after
	}
	top := w.files.top(w.folder)
	target := path.Join(w.folder, name)
	// What was put there is read again where the text was written back.
	if target == top || strings.HasPrefix(target, top+"/") || w.files.placed[target] {
		return nil
	}
	return &failure{Kind: kindRefused, Message: name + " leads out of its repository", File: w.name, Line: w.wanted(name, "").Line}
}

func isKustomization(name string) bool {
	for _, one := range konfig.RecognizedKustomizationFileNames() {
		if name == one {
			return true
		}
	}
	return false
}

func isURL(text string) bool {
	return strings.HasPrefix(text, "http://") || strings.HasPrefix(text, "https://")
}

// isRemote follows how Kustomize tells a Git URL from a path.
func isRemote(text string) bool {
	lower := strings.ToLower(strings.TrimSpace(text))
	if strings.Contains(lower, "\n") {
		return false
	}
	for _, start := range []string{"git::", "ssh://", "https://", "http://", "file://", "git@", "github.com/", "github.com:"} {
		if strings.HasPrefix(lower, start) {
			return true
		}
	}
	user, rest, found := strings.Cut(lower, "@")
	return found && !strings.ContainsAny(user, "/.") && strings.Contains(rest, ":")
}
