// Values against values.schema.json, for a chart and its subcharts, as Helm does; but a schema cannot load anything.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
	"helm.sh/helm/v4/pkg/chart/common"
	chart "helm.sh/helm/v4/pkg/chart/v2"
)

type noLoader struct{}

func (noLoader) Load(url string) (any, error) {
	return nil, fmt.Errorf("refused: a schema may not load %s", url)
}

func checkSchemas(of *chart.Chart, values any) *failure {
	table := map[string]any{}
	switch typed := values.(type) {
	case map[string]any:
		table = typed
	case common.Values:
		table = typed
	}
	var problems []string
	walkSchemas(of, table, &problems)
	if len(problems) == 0 {
		return nil
	}
	return failf(kindValues, "the values do not meet the schema: %s", strings.Join(problems, "; "))
}

func walkSchemas(of *chart.Chart, values map[string]any, problems *[]string) {
	if len(of.Schema) > 0 {
		for _, problem := range checkSchema(of.Schema, values) {
			*problems = append(*problems, of.Name()+": "+problem)
		}
	}
	for _, sub := range of.Dependencies() {
		raw, exists := values[sub.Name()]
		if !exists || raw == nil {
			continue
		}
		switch typed := raw.(type) {
		case map[string]any:
			walkSchemas(sub, typed, problems)
		case common.Values:
			walkSchemas(sub, typed, problems)
		default:
			*problems = append(*problems, fmt.Sprintf("%s: the values are no mapping", sub.Name()))
		}
	}
}

func checkSchema(text []byte, values map[string]any) (problems []string) {
	defer func() {
		if thrown := recover(); thrown != nil {
			problems = []string{fmt.Sprintf("the schema cannot be used: %v", thrown)}
		}
	}()
	schema, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return []string{"the schema is no JSON: " + err.Error()}
	}
	compiler := jsonschema.NewCompiler()
	compiler.UseLoader(noLoader{})
	const name = "file:///values.schema.json"
	if err := compiler.AddResource(name, schema); err != nil {
		return []string{"the schema cannot be used: " + err.Error()}
	}
	compiled, err := compiler.Compile(name)
	if err != nil {
		return []string{"the schema cannot be used: " + err.Error()}
	}
	err = compiled.Validate(values)
	var invalid *jsonschema.ValidationError
	if errors.As(err, &invalid) {
		return leaves(invalid)
	}
	if err != nil {
		return []string{err.Error()}
	}
	return nil
}

// leaves are the innermost causes: the places where something is wrong, not the rules that led there.
func leaves(invalid *jsonschema.ValidationError) []string {
	if len(invalid.Causes) > 0 {
		var all []string
		for _, cause := range invalid.Causes {
			all = append(all, leaves(cause)...)
		}
		return all
	}
	where := "values"
	if len(invalid.InstanceLocation) > 0 {
		where = strings.Join(invalid.InstanceLocation, ".")
	}
	return []string{where + ": " + invalid.ErrorKind.LocalizedString(message.NewPrinter(language.English))}
}
