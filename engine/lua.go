// Lua 5.1 for health checks and actions: one script over many objects. Without libraries that reach the machine; a
// script gets a second, as in Argo CD. Source: Argo CD's "Resource Health" page.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/parse"
	"strings"
)

type luaItem struct {
	Script string `json:"script"`
	// Of names one of the request's scripts by its place instead: many objects, one text.
	Of *int `json:"of,omitempty"`
	// Globals are set before the script runs: `obj`, `actionParams`.
	Globals map[string]json.RawMessage `json:"globals"`
	// AllLibraries opens string, math and coroutine too; io and os stay closed but for the clock.
	AllLibraries bool `json:"allLibraries,omitempty"`
}

const luaTime = time.Second

// luaPatience is how often one script may run out of time within a request; its other objects then fail without a run, so
// that a script that never ends costs seconds and not a second for each object.
const luaPatience = 2

var scripts compiled[*lua.FunctionProto]

func evaluateLua(r *request) ([]byte, error) {
	var params struct {
		Script       string    `json:"script,omitempty"` // of the items that have none
		Scripts      []string  `json:"scripts,omitempty"`
		AllLibraries bool      `json:"allLibraries,omitempty"`
		Items        []luaItem `json:"items"`
	}
	if err := r.decode(&params); err != nil {
		return nil, err
	}
	states := map[bool]*lua.LState{}
	defer func() {
		for _, state := range states {
			state.Close()
		}
	}()
	late := map[string]int{}
	return each(r, params.Items, func(item luaItem) (any, error) {
		script, all := item.Script, item.AllLibraries || params.AllLibraries
		if item.Of != nil && *item.Of >= 0 && *item.Of < len(params.Scripts) {
			script = params.Scripts[*item.Of]
		} else if script == "" {
			script = params.Script
		}
		if late[script] >= luaPatience {
			return nil, tooLate()
		}
		proto, err := scripts.get(script, func() (*lua.FunctionProto, error) { return compileLua(script) })
		if err != nil {
			return nil, err
		}
		state := states[all]
		if state == nil {
			state = newLua(all)
			states[all] = state
		}
		value, err := runLua(r.ctx, state, proto, item.Globals)
		if err != nil { // whatever the script left behind goes with its state
			state.Close()
			delete(states, all)
			if found := (*failure)(nil); errors.As(err, &found) && found.Kind == kindTimeout {
				late[script]++
			}
		}
		return value, err
	})
}

func compileLua(script string) (*lua.FunctionProto, error) {
	chunk, err := parse.Parse(strings.NewReader(script), "script")
	if err != nil {
		return nil, err
	}
	return lua.Compile(chunk, "script")
}

func newLua(all bool) *lua.LState {
	state := lua.NewState(lua.Options{SkipOpenLibs: true, CallStackSize: 256, RegistrySize: 4096, RegistryMaxSize: 1 << 20, RegistryGrowStep: 1024})
	open := []struct {
		name string
		with lua.LGFunction
	}{{lua.LoadLibName, lua.OpenPackage}, {lua.BaseLibName, lua.OpenBase}, {lua.TabLibName, lua.OpenTable}}
	if all {
		open = append(open, struct {
			name string
			with lua.LGFunction
		}{lua.StringLibName, lua.OpenString}, struct {
			name string
			with lua.LGFunction
		}{lua.MathLibName, lua.OpenMath}, struct {
			name string
			with lua.LGFunction
		}{lua.CoroutineLibName, lua.OpenCoroutine})
	}
	for _, library := range open {
		state.Push(state.NewFunction(library.with))
		state.Push(lua.LString(library.name))
		state.Call(1, 0)
	}
	for _, name := range []string{"dofile", "loadfile", "_printregs", "newproxy", "module"} {
		state.SetGlobal(name, lua.LNil)
	}
	// Left over from debugging, these must do no harm: nothing is printed, for standard output carries the answers.
	for _, name := range []string{"print", "collectgarbage"} {
		state.SetGlobal(name, state.NewFunction(func(*lua.LState) int { return 0 }))
	}
	clock := state.NewTable()
	clock.RawSetString("time", state.NewFunction(luaClock))
	clock.RawSetString("date", state.NewFunction(luaDate))
	state.SetGlobal("os", clock)
	state.PreloadModule("os", func(inner *lua.LState) int {
		inner.Push(clock)
		return 1
	})
	return state
}

// runLua gives each run globals of its own, so that one object's leave nothing for the next.
func runLua(ctx context.Context, state *lua.LState, proto *lua.FunctionProto, globals map[string]json.RawMessage) (any, error) {
	bounded, cancel := context.WithTimeout(ctx, luaTime)
	defer cancel()
	state.SetContext(bounded)
	environment := state.NewTable()
	meta := state.NewTable()
	meta.RawSetString("__index", state.G.Global)
	environment.Metatable = meta
	environment.RawSetString("_G", environment)
	for name, text := range globals {
		var value any
		if err := json.Unmarshal(text, &value); err != nil {
			return nil, err
		}
		environment.RawSetString(name, toLua(state, value))
	}
	function := state.NewFunctionFromProto(proto)
	function.Env = environment
	state.Push(function)
	if err := state.PCall(0, 1, nil); err != nil {
		if bounded.Err() == context.DeadlineExceeded {
			return nil, tooLate()
		}
		if problem, ok := err.(*lua.ApiError); ok && problem.Object != nil {
			return nil, failf(kindTemplate, "%s", problem.Object.String())
		}
		return nil, err
	}
	value := state.Get(-1)
	state.Pop(1)
	return fromLua(value, 0)
}

func tooLate() error {
	return failf(kindTimeout, "the script did not end within %v", luaTime)
}

func toLua(state *lua.LState, value any) lua.LValue {
	switch typed := value.(type) {
	case bool:
		return lua.LBool(typed)
	case float64:
		return lua.LNumber(typed)
	case string:
		return lua.LString(typed)
	case []any:
		table := state.CreateTable(len(typed), 0)
		for _, item := range typed {
			table.Append(toLua(state, item))
		}
		return table
	case map[string]any:
		table := state.CreateTable(0, len(typed))
		for key, item := range typed {
			table.RawSetString(key, toLua(state, item))
		}
		return table
	}
	return lua.LNil
}

func fromLua(value lua.LValue, depth int) (any, error) {
	if depth > 200 {
		return nil, failf(kindTemplate, "the script's result is nested too deeply, or contains itself")
	}
	switch typed := value.(type) {
	case lua.LBool:
		return bool(typed), nil
	case lua.LNumber:
		if number := float64(typed); math.IsNaN(number) || math.IsInf(number, 0) {
			return nil, failf(kindTemplate, "the script's result holds a number that JSON has not")
		}
		return float64(typed), nil
	case lua.LString:
		return string(typed), nil
	case *lua.LTable:
		return fromTable(typed, depth)
	case *lua.LNilType:
		return nil, nil
	}
	return nil, failf(kindTemplate, "the script's result holds a %s", value.Type().String())
}

// fromTable: keys 1…n are a list; an empty table is a list too, as Argo CD reads it; anything else has text for keys.
func fromTable(table *lua.LTable, depth int) (any, error) {
	if length := table.MaxN(); length > 0 || isEmpty(table) {
		list := make([]any, 0, length)
		for index := 1; index <= length; index++ {
			item, err := fromLua(table.RawGetInt(index), depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, item)
		}
		return list, nil
	}
	object := map[string]any{}
	var failed error
	table.ForEach(func(key, item lua.LValue) {
		converted, err := fromLua(item, depth+1)
		if err != nil && failed == nil {
			failed = err
		}
		object[key.String()] = converted
	})
	return object, failed
}

func isEmpty(table *lua.LTable) bool {
	key, _ := table.Next(lua.LNil)
	return key == lua.LNil
}

func luaClock(state *lua.LState) int {
	if state.GetTop() == 0 {
		state.Push(lua.LNumber(time.Now().Unix()))
		return 1
	}
	table := state.CheckTable(1)
	field := func(name string, otherwise int) int {
		if value, ok := table.RawGetString(name).(lua.LNumber); ok {
			return int(value)
		}
		return otherwise
	}
	at := time.Date(field("year", 1970), time.Month(field("month", 1)), field("day", 1), field("hour", 12), field("min", 0), field("sec", 0), 0, time.UTC)
	state.Push(lua.LNumber(at.Unix()))
	return 1
}

func luaDate(state *lua.LState) int {
	format := strings.TrimPrefix(state.OptString(1, "%c"), "!")
	at := time.Unix(int64(state.OptNumber(2, lua.LNumber(time.Now().Unix()))), 0).UTC()
	if format == "*t" {
		parts := state.NewTable()
		for name, value := range map[string]int{"year": at.Year(), "month": int(at.Month()), "day": at.Day(), "hour": at.Hour(),
			"min": at.Minute(), "sec": at.Second(), "wday": int(at.Weekday()) + 1, "yday": at.YearDay()} {
			parts.RawSetString(name, lua.LNumber(value))
		}
		parts.RawSetString("isdst", lua.LFalse)
		state.Push(parts)
		return 1
	}
	pairs := []string{"%%", "%", "%j", fmt.Sprintf("%03d", at.YearDay()), "%w", fmt.Sprint(int(at.Weekday()))}
	for letter, layout := range map[string]string{"a": "Mon", "A": "Monday", "b": "Jan", "B": "January", "c": "Mon Jan _2 15:04:05 2006",
		"d": "02", "D": "01/02/06", "F": "2006-01-02", "H": "15", "I": "03", "m": "01", "M": "04", "p": "PM", "S": "05",
		"T": "15:04:05", "x": "01/02/06", "X": "15:04:05", "y": "06", "Y": "2006", "z": "-0700", "Z": "MST"} {
		pairs = append(pairs, "%"+letter, at.Format(layout))
	}
	state.Push(lua.LString(strings.NewReplacer(pairs...).Replace(format)))
	return 1
}
