// The file systems that Kustomize gets: the repository under a mount point, with what was edited laid over it; and the
// same seen from inside a folder, for the edit commands. A path out of the mount point leads out of the repository.
package main

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"sigs.k8s.io/kustomize/api/konfig"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

// mountPoint keeps `..` visible: from a root of "/" it would vanish silently.
const mountPoint = "/repository"

type kustomizeFiles struct {
	source  *files
	written map[string][]byte
	// refusal is the first thing that was refused: Kustomize itself swallows errors while it tries alternatives.
	refusal *failure
}

func newKustomizeFiles(source *files) *kustomizeFiles {
	return &kustomizeFiles{source: source, written: map[string][]byte{}}
}

func (k *kustomizeFiles) refuse(f *failure) error {
	if k.refusal == nil {
		k.refusal = f
	}
	return f
}

// inside turns an absolute path into one of the repository.
func (k *kustomizeFiles) inside(name string) (string, error) {
	cleaned := path.Clean(name)
	if cleaned == mountPoint {
		return "", nil
	}
	rest, found := strings.CutPrefix(cleaned, mountPoint+"/")
	if !found {
		return "", k.refuse(&failure{Kind: kindRefused, Message: fmt.Sprintf("%s leads out of the repository", name), File: name})
	}
	return rest, nil
}

func (k *kustomizeFiles) find(name string) (*node, string, error) {
	inside, err := k.inside(name)
	if err != nil {
		return nil, "", err
	}
	found, err := k.source.open(inside)
	if err != nil {
		if failed := asFailure(err); failed.Kind == kindRefused || failed.Kind == kindTooLarge || failed.Kind == kindRequest {
			return nil, "", k.refuse(failed)
		}
		return nil, "", err
	}
	return found, inside, nil
}

func (k *kustomizeFiles) ReadFile(name string) ([]byte, error) {
	if text, ok := k.written[path.Clean(name)]; ok {
		return text, nil
	}
	found, inside, err := k.find(name)
	if err != nil {
		return nil, err
	}
	switch found.kind {
	case absent:
		return nil, &os.PathError{Op: "open", Path: name, Err: os.ErrNotExist}
	case directory:
		return nil, fmt.Errorf("'%s' is a directory", name)
	}
	if isKustomization(path.Base(name)) {
		if refused := refuseRemotes(inside, found.data); refused != nil {
			return nil, k.refuse(refused)
		}
	}
	return found.data, nil
}

func (k *kustomizeFiles) WriteFile(name string, data []byte) error {
	k.written[path.Clean(name)] = data
	return nil
}

func (k *kustomizeFiles) Exists(name string) bool {
	if _, ok := k.written[path.Clean(name)]; ok {
		return true
	}
	found, _, err := k.find(name)
	return err == nil && found.kind != absent
}

func (k *kustomizeFiles) IsDir(name string) bool {
	found, _, err := k.find(name)
	return err == nil && found.kind == directory
}

func (k *kustomizeFiles) CleanedAbs(name string) (filesys.ConfirmedDir, string, error) {
	found, _, err := k.find(name)
	if err != nil {
		return "", "", err
	}
	real := path.Join(mountPoint, found.real)
	switch found.kind {
	case directory:
		return filesys.ConfirmedDir(real), "", nil
	case file:
		return filesys.ConfirmedDir(path.Dir(real)), path.Base(real), nil
	}
	return "", "", fmt.Errorf("'%s' does not exist", name)
}

func (k *kustomizeFiles) ReadDir(name string) ([]string, error) {
	inside, err := k.inside(name)
	if err != nil {
		return nil, err
	}
	entries, err := k.source.list(inside)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(entries))
	for index, entry := range entries {
		names[index] = entry.Path
	}
	return names, nil
}

// Glob follows filepath.Glob: a star matches within one name.
func (k *kustomizeFiles) Glob(pattern string) ([]string, error) {
	if !strings.ContainsAny(pattern, `*?[\`) {
		if k.Exists(pattern) {
			return []string{pattern}, nil
		}
		return nil, nil
	}
	folders, err := k.Glob(path.Dir(pattern))
	if err != nil {
		return nil, err
	}
	var found []string
	for _, folder := range folders {
		if !k.IsDir(folder) {
			continue
		}
		names, err := k.ReadDir(folder)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			matched, err := path.Match(path.Base(pattern), name)
			if err != nil {
				return nil, err
			}
			if matched {
				found = append(found, path.Join(folder, name))
			}
		}
	}
	return found, nil
}

func (k *kustomizeFiles) Walk(string, filepath.WalkFunc) error { return errReadOnly }
func (k *kustomizeFiles) Create(string) (filesys.File, error)  { return nil, errReadOnly }
func (k *kustomizeFiles) Open(string) (filesys.File, error)    { return nil, errReadOnly }
func (k *kustomizeFiles) Mkdir(string) error                   { return errReadOnly }
func (k *kustomizeFiles) MkdirAll(string) error                { return errReadOnly }
func (k *kustomizeFiles) RemoveAll(string) error               { return nil }

var errReadOnly = failf(kindRefused, "the repository is read-only")

// rootedFiles sees relative paths from one folder, as a command does from where it was started.
type rootedFiles struct {
	*kustomizeFiles
	root string
}

func (r *rootedFiles) from(name string) string {
	if path.IsAbs(name) {
		return name
	}
	return path.Join(r.root, name)
}

func (r *rootedFiles) ReadFile(name string) ([]byte, error) {
	return r.kustomizeFiles.ReadFile(r.from(name))
}
func (r *rootedFiles) WriteFile(name string, data []byte) error {
	return r.kustomizeFiles.WriteFile(r.from(name), data)
}
func (r *rootedFiles) Exists(name string) bool { return r.kustomizeFiles.Exists(r.from(name)) }
func (r *rootedFiles) IsDir(name string) bool  { return r.kustomizeFiles.IsDir(r.from(name)) }
func (r *rootedFiles) CleanedAbs(name string) (filesys.ConfirmedDir, string, error) {
	return r.kustomizeFiles.CleanedAbs(r.from(name))
}
func (r *rootedFiles) ReadDir(name string) ([]string, error) {
	return r.kustomizeFiles.ReadDir(r.from(name))
}
func (r *rootedFiles) Glob(pattern string) ([]string, error) {
	found, err := r.kustomizeFiles.Glob(r.from(pattern))
	if err != nil || path.IsAbs(pattern) {
		return found, err
	}
	for index, name := range found {
		if relative, err := filepath.Rel(r.root, name); err == nil {
			found[index] = relative
		}
	}
	return found, nil
}

func isKustomization(name string) bool {
	for _, one := range konfig.RecognizedKustomizationFileNames() {
		if name == one {
			return true
		}
	}
	return false
}

// refuseRemotes finds what Kustomize would fetch by itself, before it tries.
func refuseRemotes(name string, text []byte) *failure {
	content := map[string]any{}
	if yaml.Unmarshal(text, &content) != nil {
		return nil // Kustomize says what is wrong
	}
	refuse := func(what string) *failure {
		found := &failure{Kind: kindRefused, File: name, Message: "the remote reference " + what + " is refused: only what is in the repository can be used"}
		for at, line := range strings.Split(string(text), "\n") {
			if strings.Contains(line, what) {
				found.Line = at + 1
				break
			}
		}
		return found
	}
	for _, field := range []string{"resources", "bases", "components"} {
		for _, one := range stringsIn(content[field]) {
			if isRemote(one) {
				return refuse(one)
			}
		}
	}
	for _, field := range []string{"crds", "configurations", "generators", "transformers", "validators", "openapi", "patches",
		"patchesStrategicMerge", "patchesJson6902", "replacements", "configMapGenerator", "secretGenerator"} {
		for _, one := range fileNamesIn(content[field]) {
			if _, after, found := strings.Cut(one, "="); found && isURL(after) {
				one = after
			}
			if isURL(one) {
				return refuse(one)
			}
		}
	}
	return nil
}

func stringsIn(value any) []string {
	var found []string
	list, _ := value.([]any)
	for _, one := range list {
		if text, ok := one.(string); ok {
			found = append(found, text)
		}
	}
	return found
}

// fileNamesIn: strings of a list, and those under the keys that hold names of files.
func fileNamesIn(value any) []string {
	found := stringsIn(value)
	visit := func(table map[string]any) {
		for _, key := range []string{"path", "env"} {
			if text, ok := table[key].(string); ok {
				found = append(found, text)
			}
		}
		for _, key := range []string{"files", "envs"} {
			found = append(found, stringsIn(table[key])...)
		}
	}
	if table, ok := value.(map[string]any); ok {
		visit(table)
	}
	if list, ok := value.([]any); ok {
		for _, one := range list {
			if table, ok := one.(map[string]any); ok {
				visit(table)
			}
		}
	}
	return found
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
	for _, start := range []string{"git::", "gh:", "ssh://", "https://", "http://", "file://", "git@", "github.com/", "github.com:"} {
		if strings.HasPrefix(lower, start) {
			return true
		}
	}
	user, rest, found := strings.Cut(lower, "@")
	return found && !strings.ContainsAny(user, "/.") && strings.Contains(rest, ":")
}
