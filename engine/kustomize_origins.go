// Which file of the repository each built object comes from: Kustomize writes it down as an annotation when the
// kustomization asks for it. It is asked on a copy in memory, and the annotation is taken out again.
package main

import (
	"path"
	"strings"

	"sigs.k8s.io/kustomize/api/resource"
	"sigs.k8s.io/yaml"
)

type origins struct {
	system *kustomizeFiles
	// folder and file of the kustomization that is built, from the repository's root.
	folder, kustomization string
	asked                 bool
	lines                 *sourceLines
}

// askForOrigins adds to the kustomization that is built that origins are wanted, unless it says itself what is noted.
func askForOrigins(system *kustomizeFiles, folder string) *origins {
	root := path.Join(mountPoint, folder)
	name := kustomizationIn(system, root)
	found := &origins{system: system, folder: folder, kustomization: path.Join(folder, name)}
	found.lines = &sourceLines{read: found.read, known: map[string][]document{}, renamed: true}
	file := path.Join(root, name)
	text, err := system.ReadFile(file)
	if name == "" || err != nil {
		return found
	}
	changed := strings.TrimRight(string(text), "\n") + "\nbuildMetadata: [originAnnotations]\n"
	content := map[string]any{}
	// Where it does not parse with the line more, it is written in some other way, or wrong: as it is then.
	if yaml.UnmarshalStrict([]byte(changed), &content) != nil || len(content) < 2 {
		return found
	}
	found.asked = system.WriteFile(file, []byte(changed)) == nil
	return found
}

func (o *origins) read(file string) []byte {
	text, err := o.system.ReadFile(path.Join(mountPoint, file))
	if err != nil {
		return nil
	}
	return text
}

// of returns file and line of an object and takes the annotation out of it; the kustomization itself where nothing is known.
func (o *origins) of(built *resource.Resource) (string, int) {
	if !o.asked {
		return o.kustomization, 1
	}
	origin, err := built.GetOrigin()
	if err != nil || origin == nil {
		return o.kustomization, 1
	}
	_ = built.SetOrigin(nil)
	// What is generated has no file but the kustomization that says so.
	place := origin.Path
	if place == "" {
		place = origin.ConfiguredIn
	}
	if place == "" || origin.Repo != "" {
		return o.kustomization, 1
	}
	file := path.Join(o.folder, place)
	if file == ".." || strings.HasPrefix(file, "../") {
		return o.kustomization, 1
	}
	if origin.Path == "" {
		return file, o.generatorLine(file, built.GetName())
	}
	return file, o.lines.of(file, built.GetKind(), built.GetName())
}

// generatorLine is where a generator's name stands that the object's name holds.
func (o *origins) generatorLine(file, name string) int {
	line, best := 1, 0
	for at, text := range strings.Split(string(o.read(file)), "\n") {
		match := generatorName.FindStringSubmatch(text)
		if match != nil && strings.Contains(name, match[1]) && len(match[1]) > best {
			line, best = at+1, len(match[1])
		}
	}
	return line
}
