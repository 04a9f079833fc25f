// CEL's values as JSON.
package main

import (
	"encoding/json"
	"reflect"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/structpb"
)

var jsonValueType = reflect.TypeFor[*structpb.Value]()

func celJSON(native any) (any, error) {
	text, err := protojson.Marshal(native.(*structpb.Value))
	return json.RawMessage(text), err
}
