// The file systems that Kustomize gets: the repository under a mount point, with what was edited laid over it; and the
// same seen from inside a folder, for the edit commands. A path out of the mount point leads out of the repository.
package main

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// mountPoint keeps `..` visible: from a root of "/" it would vanish silently.
const mountPoint = "/repository"

type kustomizeFiles struct {
	source  *files
	written map[string][]byte
	// refusal is the first thing that was refused: Kustomize itself swallows errors while it tries alternatives.
	refusal *failure
	// mounts stand beside the repository; pending: something has to be mounted first.
	mounts  []mount
	placed  map[string]bool
	pending bool
	// building: kustomizations are read to be built, no longer to be edited.
	building bool
	charts   chartSettings
	used     map[string]bool
}

func newKustomizeFiles(source *files) *kustomizeFiles {
	return &kustomizeFiles{source: source, written: map[string][]byte{}, placed: map[string]bool{}, used: map[string]bool{}, charts: chartSettings{namespaces: map[string]string{}}}
}

func (k *kustomizeFiles) refuse(f *failure) error {
	if k.refusal == nil {
		k.refusal = f
	}
	return f
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
	text, err := k.read(name)
	if err != nil || !k.building || !isKustomization(path.Base(name)) {
		return text, err
	}
	return k.prepare(name, text)
}

func (k *kustomizeFiles) read(name string) ([]byte, error) {
	if text, ok := k.written[path.Clean(name)]; ok {
		return text, nil
	}
	found, _, err := k.find(name)
	if err != nil {
		return nil, err
	}
	switch found.kind {
	case absent:
		return nil, &os.PathError{Op: "open", Path: name, Err: os.ErrNotExist}
	case directory:
		return nil, fmt.Errorf("'%s' is a directory", name)
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
	if _, ok := k.written[path.Clean(name)]; ok {
		return filesys.ConfirmedDir(path.Dir(path.Clean(name))), path.Base(name), nil
	}
	found, _, err := k.find(name)
	if err != nil {
		return "", "", err
	}
	real := k.system(found.real)
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
