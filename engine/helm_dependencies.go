// The dependencies of a chart that its charts/ does not hold: from `file://` they are read where they stand, from
// repositories and registries Node fetches them and mounts them beside the repository. Source: Helm's "dependency build":
// versions are those of Chart.lock where there is one, which has to fit Chart.yaml.
package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"

	chart "helm.sh/helm/v4/pkg/chart/v2"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"
)

const maxDependencyDepth = 10

type dependencies struct {
	source *files
	// waiting are those that have to be fetched first, after which the whole render is asked for again.
	waiting []string
}

// addDependencies loads every dependency that is not there. A failure names each that is not to be had.
func addDependencies(source *files, folder string, of *chart.Chart) error {
	found := &dependencies{source: source}
	if err := found.add(folder, of, 0); err != nil {
		return err
	}
	if len(found.waiting) > 0 {
		return &failure{Kind: kindMissing, File: path.Join(folder, "Chart.yaml"),
			Message: "dependencies are to be fetched: " + strings.Join(found.waiting, ", ")}
	}
	return checkDependencies(folder, of)
}

func (d *dependencies) add(folder string, of *chart.Chart, depth int) error {
	file := path.Join(folder, "Chart.yaml")
	var wanted []*chart.Dependency
	for _, one := range of.Metadata.Dependencies {
		if one != nil && one.Repository != "" && !hasDependency(of, one) {
			wanted = append(wanted, one)
		}
	}
	if len(wanted) == 0 {
		return nil
	}
	if depth >= maxDependencyDepth {
		return &failure{Kind: kindTemplate, Message: "file:// dependencies are nested too deeply, or in a circle", File: file}
	}
	if !lockFits(of) {
		lock, names := "Chart.lock", "Chart.yaml"
		if of.Metadata.APIVersion == chart.APIVersionV1 {
			lock, names = "requirements.lock", "requirements.yaml"
		}
		return &failure{Kind: kindMissing, File: path.Join(folder, lock), Message: fmt.Sprintf(
			"%s is out of sync with the dependencies in %s: run helm dependency update, and commit %s", lock, names, lock)}
	}
	for _, one := range wanted {
		if hasDependency(of, one) {
			continue // the same chart again, under another alias
		}
		var loaded *chart.Chart
		var err error
		if strings.HasPrefix(one.Repository, "file://") {
			loaded, err = d.local(folder, one, depth)
		} else {
			loaded, err = d.fetched(file, one, locked(of, one))
		}
		if err != nil {
			return err
		}
		if loaded != nil {
			of.AddDependency(loaded)
		}
	}
	return nil
}

// local loads a dependency from the repository that the chart stands in.
func (d *dependencies) local(folder string, wanted *chart.Dependency, depth int) (*chart.Chart, error) {
	where := path.Join(folder, strings.TrimPrefix(wanted.Repository, "file://"))
	loaded, err := loadChart(d.source, where)
	if err != nil {
		return nil, err
	}
	if !chartutil.IsCompatibleRange(wanted.Version, loaded.Metadata.Version) && wanted.Version != "" {
		return nil, &failure{Kind: kindMissing, File: path.Join(folder, "Chart.yaml"),
			Message: fmt.Sprintf("the dependency %s wants version %s, and %s has %s", wanted.Name, wanted.Version, where, loaded.Metadata.Version)}
	}
	return loaded, d.add(where, loaded, depth+1)
}

// fetched loads a dependency from where Node mounted it; nil while it is awaited.
func (d *dependencies) fetched(file string, wanted, lock *chart.Dependency) (*chart.Chart, error) {
	ask := wantedMount{File: file, As: "chart", Chart: wanted.Name, Repo: wanted.Repository, Version: wanted.Version}
	if lock != nil {
		ask.Version = lock.Version
	}
	text, err := json.Marshal(ask)
	if err != nil {
		return nil, err
	}
	reply, err := d.source.request.ask("remote", string(text))
	if err != nil {
		found := *asFailure(err)
		found.File = file
		found.Message = fmt.Sprintf("the dependency %s %s from %s: %s", ask.Chart, ask.Version, ask.Repo, found.Message)
		return nil, &found
	}
	if reply.message.Found != "directory" {
		d.waiting = append(d.waiting, fmt.Sprintf("%s %s from %s", ask.Chart, ask.Version, ask.Repo))
		return nil, nil
	}
	loaded, err := loadFolder(d.source, reply.message.Path, false)
	if err != nil {
		found := *asFailure(err)
		found.File = file
		found.Message = fmt.Sprintf("the dependency %s %s from %s: %s", ask.Chart, ask.Version, ask.Repo, found.Message)
		return nil, &found
	}
	if loaded.Name() != wanted.Name {
		return nil, &failure{Kind: kindMissing, File: file,
			Message: fmt.Sprintf("the dependency %s from %s is a chart of the name %s", wanted.Name, wanted.Repository, loaded.Name())}
	}
	return loaded, nil
}

func hasDependency(of *chart.Chart, wanted *chart.Dependency) bool {
	return slices.ContainsFunc(of.Dependencies(), func(have *chart.Chart) bool { return have.Name() == wanted.Name })
}

// locked is what Chart.lock says of a dependency; nil where it says nothing.
func locked(of *chart.Chart, wanted *chart.Dependency) *chart.Dependency {
	if of.Lock == nil {
		return nil
	}
	var found *chart.Dependency
	for _, one := range of.Lock.Dependencies {
		if one == nil || one.Name != wanted.Name {
			continue
		}
		if one.Repository == wanted.Repository {
			return one
		}
		if found == nil {
			found = one
		}
	}
	return found
}

// lockFits tells whether Chart.lock was made from these dependencies: it holds a hash of them. A repository by alias was
// hashed by its URL, which the lock itself says.
func lockFits(of *chart.Chart) bool {
	if of.Lock == nil {
		return true
	}
	wanted := make([]*chart.Dependency, 0, len(of.Metadata.Dependencies))
	for _, one := range of.Metadata.Dependencies {
		if one == nil {
			return false
		}
		copied := *one
		if lock := locked(of, one); lock != nil && isAlias(one.Repository) {
			copied.Repository = lock.Repository
		}
		wanted = append(wanted, &copied)
	}
	if digest([2][]*chart.Dependency{wanted, of.Lock.Dependencies}) == of.Lock.Digest {
		return true
	}
	// Helm 2 hashed otherwise, and its locks are still about.
	return of.Metadata.APIVersion == chart.APIVersionV1 &&
		digest(map[string][]*chart.Dependency{"dependencies": of.Metadata.Dependencies}) == of.Lock.Digest
}

func isAlias(repository string) bool {
	return strings.HasPrefix(repository, "@") || strings.HasPrefix(repository, "alias:")
}

func digest(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(text)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// checkDependencies names each dependency that is not there, with where it would come from.
func checkDependencies(folder string, of *chart.Chart) error {
	var missing []string
	for _, wanted := range of.Metadata.Dependencies {
		if wanted == nil || hasDependency(of, wanted) {
			continue
		}
		from := wanted.Repository
		if from == "" {
			from = "charts/, since it names no repository"
		}
		missing = append(missing, fmt.Sprintf("%s %s from %s", wanted.Name, wanted.Version, from))
	}
	if len(missing) == 0 {
		return nil
	}
	return &failure{Kind: kindMissing, File: path.Join(folder, "Chart.yaml"),
		Message: "dependencies are not in charts/: " + strings.Join(missing, "; ")}
}
