// Which file of the repository each built object comes from: of the files that kustomizations list as resources and that
// were read, the one with a document of the same kind whose name the object's holds. Kustomize could note origins itself,
// but that makes every build a good third slower.
package main

import (
	"path"
	"sort"
	"strings"

	"sigs.k8s.io/kustomize/api/resource"
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

type place struct {
	file string
	document
	used bool
}

type origins struct {
	// kustomization that is built, from the repository's root: what is found nowhere else comes from it.
	kustomization string
	byKind        map[string][]*place
	generators    []*place
}

// originsOf looks through the files that a build has read.
func originsOf(source *files, kustomization string) *origins {
	found := &origins{kustomization: kustomization, byKind: map[string][]*place{}}
	names := make([]string, 0, len(source.known))
	for name, node := range source.known {
		if node.kind == file && isKustomization(path.Base(name)) {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	seen := map[string]bool{}
	for _, name := range names {
		text := source.known[name].data
		found.generators = append(found.generators, generatorsIn(name, text)...)
		for _, listed := range resourcesIn(text) {
			from := path.Join(path.Dir(name), listed)
			node := source.known[from]
			if node == nil || node.kind != file || seen[from] {
				continue
			}
			seen[from] = true
			for _, one := range documentsIn(node.data) {
				kind := strings.Trim(one.kind, `"'`)
				found.byKind[kind] = append(found.byKind[kind], &place{file: node.real, document: one})
			}
		}
	}
	return found
}

// resourcesIn lists what stands under the fields whose files hold objects.
func resourcesIn(text []byte) []string {
	var content struct {
		Resources []string `yaml:"resources"`
		Bases     []string `yaml:"bases"`
	}
	if yaml.Unmarshal(text, &content) != nil {
		return nil
	}
	return append(content.Resources, content.Bases...)
}

// generatorsIn finds the names that stand in a kustomization: of generators, and of whatever else has one.
func generatorsIn(name string, text []byte) []*place {
	var found []*place
	for at, line := range strings.Split(string(text), "\n") {
		if match := generatorName.FindStringSubmatch(line); match != nil {
			found = append(found, &place{file: name, document: document{line: at + 1, name: match[1]}})
		}
	}
	return found
}

// of returns file and line of an object; the kustomization itself where nothing fits.
func (o *origins) of(built *resource.Resource) (string, int) {
	name := built.GetName()
	best := bestOf(o.byKind[built.GetKind()], name)
	if best == nil {
		best = bestOf(o.generators, name)
	}
	if best == nil {
		return o.kustomization, 1
	}
	best.used = true
	return best.file, best.line
}

// bestOf is the place with the longest name that the object's holds, for it may have a prefix and a suffix since; of two,
// one that no object was found at yet.
func bestOf(places []*place, name string) *place {
	var best *place
	for _, one := range places {
		own := strings.Trim(one.name, `"'`)
		if word := plainWord.FindStringSubmatch(one.name); word != nil {
			own = word[1]
		}
		if own == "" || !strings.Contains(name, own) {
			continue
		}
		if best == nil || len(one.name) > len(best.name) || (len(one.name) == len(best.name) && best.used && !one.used) {
			best = one
		}
	}
	return best
}
