// The repository as a request sees it: read-only, asked of Node one name at a time, each answer remembered for the
// request. Paths are from the repository's root, without a leading slash; "" is the root.
package main

import (
	"path"
	"strings"
)

type nodeKind int

const (
	absent nodeKind = iota
	file
	directory
)

type node struct {
	kind nodeKind
	data []byte
	// real is where links led to.
	real string
}

type files struct {
	request *request
	known   map[string]*node
	lists   map[string][]fileEntry
	bytes   int64
}

func newFiles(r *request) *files {
	return &files{request: r, known: map[string]*node{}, lists: map[string][]fileEntry{}}
}

// clean takes a path from the root and returns it without dots; refused where it leads out.
func clean(name string) (string, error) {
	cleaned := path.Clean(name)
	if strings.HasPrefix(cleaned, "/") || cleaned == ".." || strings.HasPrefix(cleaned, "../") {
		return "", &failure{Kind: kindRefused, Message: name + " leads out of the repository", File: name}
	}
	if cleaned == "." {
		return "", nil
	}
	return cleaned, nil
}

func (f *files) count(bytes int) error {
	f.bytes += int64(bytes)
	if len(f.known) > f.request.limits.Files {
		return failf(kindTooLarge, "more than %d files are read", f.request.limits.Files)
	}
	if f.bytes > f.request.limits.FileBytes {
		return failf(kindTooLarge, "the files that are read have more than %d bytes together", f.request.limits.FileBytes)
	}
	return nil
}

// open reads a file, or finds a directory, or nothing.
func (f *files) open(name string) (*node, error) {
	name, err := clean(name)
	if err != nil {
		return nil, err
	}
	if found := f.known[name]; found != nil {
		return found, nil
	}
	reply, err := f.request.ask("open", name)
	if err != nil {
		return nil, err
	}
	found := &node{real: name}
	if reply.message.Path != "" {
		found.real = reply.message.Path
	}
	switch reply.message.Found {
	case "file":
		found.kind, found.data = file, reply.body
	case "directory":
		found.kind = directory
	}
	f.known[name] = found
	return found, f.count(len(found.data))
}

// list returns the names in a directory; an error where there is none.
func (f *files) list(name string) ([]fileEntry, error) {
	name, err := clean(name)
	if err != nil {
		return nil, err
	}
	if found, ok := f.lists[name]; ok {
		return found, nil
	}
	reply, err := f.request.ask("list", name)
	if err != nil {
		return nil, err
	}
	if reply.message.Found != "directory" {
		return nil, &failure{Kind: kindMissing, Message: "no directory " + name, File: name}
	}
	f.lists[name] = reply.message.Entries
	return reply.message.Entries, nil
}

type treeFile struct {
	path string
	data []byte
}

// tree reads every file below a directory at once; paths are from that directory. Nil where there is no directory.
func (f *files) tree(name string) ([]treeFile, error) {
	name, err := clean(name)
	if err != nil {
		return nil, err
	}
	reply, err := f.request.ask("tree", name)
	if err != nil {
		return nil, err
	}
	if reply.message.Found != "directory" {
		return nil, nil
	}
	found := make([]treeFile, 0, len(reply.message.Entries))
	at := 0
	for _, entry := range reply.message.Entries {
		if at+entry.Size > len(reply.body) {
			return nil, failf(kindRequest, "an answer is shorter than it says")
		}
		found = append(found, treeFile{entry.Path, reply.body[at : at+entry.Size : at+entry.Size]})
		at += entry.Size
	}
	if len(found) > f.request.limits.Files {
		return nil, failf(kindTooLarge, "%s has more than %d files", name, f.request.limits.Files)
	}
	return found, f.count(len(reply.body))
}
