// The small evaluators: Go templates with sprig, expr, jq, CEL, semver constraints. Each takes many items in one request;
// one item's failure is that item's answer. What was compiled is remembered by its text.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"sort"
	"strings"
	"sync"
	"text/template"
	"time"

	"github.com/Masterminds/semver/v3"
	"github.com/Masterminds/sprig/v3"
	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/vm"
	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/ext"
	"github.com/itchyny/gojq"
	"sigs.k8s.io/yaml"
)

// compiled remembers a bounded number of compiled texts; when full it begins anew.
type compiled[T any] struct {
	mutex sync.Mutex
	known map[string]T
}

func (c *compiled[T]) get(text string, compile func() (T, error)) (T, error) {
	c.mutex.Lock()
	found, ok := c.known[text]
	c.mutex.Unlock()
	if ok {
		return found, nil
	}
	made, err := compile()
	if err != nil {
		return made, err
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.known == nil || len(c.known) >= 2000 {
		c.known = map[string]T{}
	}
	c.known[text] = made
	return made, nil
}

// outcome is one item's answer.
type outcome struct {
	Value any      `json:"value,omitempty"`
	Error *failure `json:"error,omitempty"`
}

// each answers items one after the other, until the request is cancelled.
func each[T any](r *request, items []T, answer func(T) (any, error)) ([]byte, error) {
	outcomes := make([]outcome, len(items))
	for index, item := range items {
		if r.ctx.Err() != nil {
			return nil, r.ctx.Err()
		}
		value, err := guarded(func() (any, error) { return answer(item) })
		if err != nil {
			outcomes[index].Error = asFailure(err)
		} else {
			outcomes[index].Value = value
		}
	}
	return json.Marshal(outcomes)
}

func guarded(work func() (any, error)) (value any, err error) {
	defer func() {
		if thrown := recover(); thrown != nil {
			err = failf(kindTemplate, "the library failed: %v", thrown)
		}
	}()
	return work()
}

type templateItem struct {
	Text    string   `json:"text"`
	Data    any      `json:"data"`
	Options []string `json:"options,omitempty"` // such as missingkey=error
	Left    string   `json:"left,omitempty"`    // delimiters
	Right   string   `json:"right,omitempty"`
}

var templates compiled[*template.Template]

var templateFunctions = sync.OnceValue(func() template.FuncMap {
	functions := sprig.TxtFuncMap()
	for _, name := range []string{"env", "expandenv", "getHostByName"} {
		delete(functions, name)
	}
	functions["normalize"] = normalize
	functions["toYaml"] = func(value any) (string, error) {
		text, err := yaml.Marshal(value)
		return strings.TrimSuffix(string(text), "\n"), err
	}
	functions["fromYaml"] = func(text string) (map[string]any, error) {
		value := map[string]any{}
		err := yaml.Unmarshal([]byte(text), &value)
		return value, err
	}
	functions["fromYamlArray"] = func(text string) ([]any, error) {
		value := []any{}
		err := yaml.Unmarshal([]byte(text), &value)
		return value, err
	}
	return functions
})

var notInNames = regexp.MustCompile(`[^a-z0-9\-.]+`)

// normalize makes a valid name of a text, as Argo CD's ApplicationSet function of that name.
func normalize(text string) string {
	name := notInNames.ReplaceAllString(strings.ToLower(text), "-")
	if len(name) > 253 {
		name = name[:253]
	}
	return strings.Trim(name, "-.")
}

func evaluateTemplates(r *request) ([]byte, error) {
	var params struct {
		Items []templateItem `json:"items"`
	}
	if err := r.decode(&params); err != nil {
		return nil, err
	}
	return each(r, params.Items, func(item templateItem) (any, error) {
		key := strings.Join(append([]string{item.Left, item.Right, item.Text}, item.Options...), "\x00")
		parsed, err := templates.get(key, func() (*template.Template, error) {
			return template.New("template").Delims(item.Left, item.Right).Funcs(templateFunctions()).Option(item.Options...).Parse(item.Text)
		})
		if err != nil {
			return nil, templateFailure(err)
		}
		out := &boundedText{limit: int(r.limits.OutputBytes)}
		if err := parsed.Execute(out, item.Data); err != nil {
			return nil, templateFailure(err)
		}
		return out.text.String(), nil
	})
}

// boundedText stops a template that writes without end.
type boundedText struct {
	text  strings.Builder
	limit int
}

func (b *boundedText) Write(part []byte) (int, error) {
	if b.text.Len()+len(part) > b.limit {
		return 0, failf(kindTooLarge, "the output has more bytes than the limit of %d", b.limit)
	}
	return b.text.Write(part)
}

var templatePlace = regexp.MustCompile(`^template: template:(\d+)(?::(\d+))?: `)

func templateFailure(err error) error {
	found := *asFailure(err)
	if match := templatePlace.FindStringSubmatch(found.Message); match != nil {
		found.Line, found.Column = number(match[1]), number(match[2])
		found.Message = strings.TrimPrefix(found.Message, match[0])
	}
	return &found
}

type expressionItem struct {
	Text string         `json:"text"`
	Data map[string]any `json:"data"`
}

var expressions compiled[*vm.Program]

func evaluateExpr(r *request) ([]byte, error) {
	var params struct {
		Items []expressionItem `json:"items"`
	}
	if err := r.decode(&params); err != nil {
		return nil, err
	}
	return each(r, params.Items, func(item expressionItem) (any, error) {
		program, err := expressions.get(item.Text, func() (*vm.Program, error) {
			return expr.Compile(item.Text, expr.AllowUndefinedVariables())
		})
		if err != nil {
			return nil, err
		}
		return expr.Run(program, item.Data)
	})
}

type jqItem struct {
	Text      string   `json:"text"`
	Data      any      `json:"data"`
	Variables []string `json:"variables,omitempty"`
	Values    []any    `json:"values,omitempty"`
}

var queries compiled[*gojq.Code]

func evaluateJq(r *request) ([]byte, error) {
	var params struct {
		Items     []jqItem `json:"items"`
		TimeoutMs int      `json:"timeoutMs,omitempty"` // for each item
	}
	if err := r.decode(&params); err != nil {
		return nil, err
	}
	return each(r, params.Items, func(item jqItem) (any, error) {
		key := strings.Join(append([]string{item.Text}, item.Variables...), "\x00")
		code, err := queries.get(key, func() (*gojq.Code, error) {
			parsed, err := gojq.Parse(item.Text)
			if err != nil {
				return nil, err
			}
			return gojq.Compile(parsed, gojq.WithVariables(item.Variables), gojq.WithEnvironLoader(func() []string { return nil }))
		})
		if err != nil {
			return nil, err
		}
		values := []any{}
		ctx := r.ctx
		if params.TimeoutMs > 0 {
			limited, cancel := context.WithTimeout(r.ctx, time.Duration(params.TimeoutMs)*time.Millisecond)
			defer cancel()
			ctx = limited
		}
		for results := code.RunWithContext(ctx, item.Data, item.Values...); ; {
			value, more := results.Next()
			if !more {
				return values, nil
			}
			if err, failed := value.(error); failed {
				if halt, ok := err.(*gojq.HaltError); ok && halt.Value() == nil {
					return values, nil
				}
				if ctx.Err() != nil && r.ctx.Err() == nil {
					return nil, failf(kindTimeout, "it takes longer than %d ms", params.TimeoutMs)
				}
				return nil, err
			}
			if len(values) >= 100_000 {
				return nil, failf(kindTooLarge, "the query gives more than 100000 values")
			}
			values = append(values, value)
		}
	})
}

var programs compiled[cel.Program]

func evaluateCel(r *request) ([]byte, error) {
	var params struct {
		Items []expressionItem `json:"items"`
	}
	if err := r.decode(&params); err != nil {
		return nil, err
	}
	return each(r, params.Items, func(item expressionItem) (any, error) {
		names := make([]string, 0, len(item.Data))
		for name := range item.Data {
			names = append(names, name)
		}
		sort.Strings(names)
		program, err := programs.get(strings.Join(append(names, item.Text), "\x00"), func() (cel.Program, error) {
			return compileCel(item.Text, names)
		})
		if err != nil {
			return nil, err
		}
		value, _, err := program.ContextEval(r.ctx, item.Data)
		if err != nil {
			return nil, err
		}
		native, err := value.ConvertToNative(jsonValueType)
		if err != nil {
			return nil, err
		}
		return celJSON(native)
	})
}

func compileCel(text string, names []string) (cel.Program, error) {
	options := []cel.EnvOption{ext.Strings(), ext.Lists(), ext.Sets(), ext.Math(), ext.Encoders(), cel.OptionalTypes()}
	for _, name := range names {
		options = append(options, cel.Variable(name, cel.DynType))
	}
	environment, err := cel.NewEnv(options...)
	if err != nil {
		return nil, err
	}
	checked, issues := environment.Compile(text)
	if issues != nil && issues.Err() != nil {
		return nil, issues.Err()
	}
	return environment.Program(checked, cel.CostLimit(10_000_000), cel.InterruptCheckFrequency(1000))
}

type constraintItem struct {
	Constraint string   `json:"constraint"`
	Versions   []string `json:"versions"`
}

// evaluateSemver gives the versions that a constraint accepts, the highest first, as they were written.
func evaluateSemver(r *request) ([]byte, error) {
	var params struct {
		Items []constraintItem `json:"items"`
	}
	if err := r.decode(&params); err != nil {
		return nil, err
	}
	return each(r, params.Items, func(item constraintItem) (any, error) {
		constraint, err := semver.NewConstraint(item.Constraint)
		if err != nil {
			return nil, fmt.Errorf("%q is no version constraint: %w", item.Constraint, err)
		}
		accepted := []*semver.Version{}
		for _, text := range item.Versions {
			if version, err := semver.NewVersion(text); err == nil && constraint.Check(version) {
				accepted = append(accepted, version)
			}
		}
		sort.Stable(sort.Reverse(semver.Collection(accepted)))
		texts := make([]string, len(accepted))
		for index, version := range accepted {
			texts[index] = version.Original()
		}
		return texts, nil
	})
}
