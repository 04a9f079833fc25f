// Where an error happened, read from the libraries' messages.
package main

import (
	"regexp"
	"strconv"
	"strings"
)

var (
	yamlLine     = regexp.MustCompile(`line (\d+)`)
	placeInText  = regexp.MustCompile(`([^\s()<>"']+\.[A-Za-z]+):(\d+)(?::(\d+))?`)
	yamlParseOn  = regexp.MustCompile(`YAML parse error on ([^\s:]+): (?:error converting YAML to JSON: )?`)
	mountedPaths = regexp.MustCompile(regexp.QuoteMeta(mountPoint) + `(/?)`)
)

func number(text string) int {
	value, _ := strconv.Atoi(text)
	return value
}

// located adds to a failure the first file and line that its message names.
func located(f *failure, rename func(string) string) *failure {
	if f.File != "" {
		return f
	}
	if match := placeInText.FindStringSubmatch(f.Message); match != nil {
		f.File, f.Line, f.Column = rename(match[1]), number(match[2]), number(match[3])
	}
	return f
}

// unmounted takes the mount point out of a message of Kustomize.
func unmounted(text string) string {
	text = strings.ReplaceAll(text, mountPoint+"/", "")
	return mountedPaths.ReplaceAllString(text, "the repository's root")
}
