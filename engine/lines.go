// Which line of a source file an object comes from, as far as it can be told: the document of the same kind whose name,
// with what templates fill in left open, is the object's. Best effort: nothing depends on it but where a person looks.
package main

import (
	"bytes"
	"regexp"
	"strings"
)

var (
	keyLine      = regexp.MustCompile(`^["']?[A-Za-z][\w.-]*["']?\s*:`)
	kindLine     = regexp.MustCompile(`^["']?kind["']?\s*:\s*(.+?)\s*(?:#.*)?$`)
	nameLine     = regexp.MustCompile(`^(?:\s+|metadata\s*:\s*\{.*?)["']?name["']?\s*:\s*(.+?)\s*(?:#.*)?$`)
	separator    = regexp.MustCompile(`^---(?:\s|$)`)
	templateWord = regexp.MustCompile(`\{\{.*?\}\}`)
	// generatorName is the name of an entry of configMapGenerator and its like.
	generatorName = regexp.MustCompile(`^[\s\-{]*name\s*:\s*["']?([^"',}\s]+)`)
	plainWord     = regexp.MustCompile(`^["']?([^"',}\s]+)`)
)

// document is one document of a file: where its first key stands, and what it says it is, templates and all.
type document struct {
	line       int
	kind, name string
}

// documentsIn finds the documents of a YAML file or template.
func documentsIn(source []byte) []document {
	var found []document
	current := document{}
	inMetadata := false
	flush := func() {
		if current.kind != "" {
			found = append(found, current)
		}
		current, inMetadata = document{}, false
	}
	for at, bytesOfLine := range bytes.Split(source, []byte("\n")) {
		line := strings.TrimRight(string(bytesOfLine), "\r")
		if separator.MatchString(line) {
			flush()
			continue
		}
		if key := keyLine.MatchString(line); key {
			// A second kind without a separator between: templates put separators in with actions.
			if match := kindLine.FindStringSubmatch(line); match != nil {
				if current.kind != "" {
					start := document{line: at + 1}
					flush()
					current = start
				}
				current.kind = match[1]
			}
			if current.line == 0 {
				current.line = at + 1
			}
			inMetadata = strings.HasPrefix(strings.Trim(line, `"'`), "metadata")
		}
		if inMetadata && current.name == "" {
			if match := nameLine.FindStringSubmatch(line); match != nil {
				current.name = match[1]
			}
		}
	}
	flush()
	return found
}

// fits says whether a written word, in which templates stand for anything, can have become a value; and how many of its
// letters are its own.
func fits(written, value string, anywhere bool) (bool, int) {
	if word := plainWord.FindStringSubmatch(templateWord.ReplaceAllString(written, "\x00")); word != nil {
		written = word[1]
	} else {
		written = ""
	}
	if !strings.Contains(written, "\x00") {
		if anywhere {
			return written != "" && strings.Contains(value, written), len(written)
		}
		return written == value, len(written)
	}
	own, rest := 0, value
	for index, part := range strings.Split(written, "\x00") {
		at := strings.Index(rest, part)
		if at < 0 || (index == 0 && at > 0) {
			return false, 0
		}
		own += len(part)
		rest = rest[at+len(part):]
	}
	return rest == "" || strings.HasSuffix(written, "\x00"), own
}

// lineOf is the line of the document that an object of this kind and name comes from; 1 where it cannot be told. With
// renamed, the name may have been given a prefix and a suffix since.
func lineOf(documents []document, kind, name string, renamed bool) int {
	line, best := 1, -1
	for _, one := range documents {
		sameKind, ofKind := fits(one.kind, kind, false)
		if !sameKind {
			continue
		}
		score := ofKind
		if sameName, own := fits(one.name, name, renamed); sameName {
			score += 1000 + own
		}
		if score > best {
			line, best = one.line, score
		}
	}
	return line
}

// sourceLines looks lines up in files, each read and taken apart once.
type sourceLines struct {
	read    func(file string) []byte
	known   map[string][]document
	renamed bool
}

func (s *sourceLines) of(file, kind, name string) int {
	if s == nil {
		return 1
	}
	documents, ok := s.known[file]
	if !ok {
		documents = documentsIn(s.read(file))
		s.known[file] = documents
	}
	return lineOf(documents, kind, name, s.renamed)
}
