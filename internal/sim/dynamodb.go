package sim

import (
	"encoding/json"
	"errors"
	"hash/crc32"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// A DynamoDB answers GetItem as Amazon DynamoDB does, in JSON 1.0, of tables whose key is a string that is called Key.
// Its zero value has no table. It may be used by several goroutines.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_GetItem.html
type DynamoDB struct {
	mu     sync.Mutex
	tables map[string]map[string]json.RawMessage
	fault  *APIError
}

// CreateTable makes an empty table; one that is there stays as it is.
func (d *DynamoDB) CreateTable(name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.tables == nil {
		d.tables = map[string]map[string]json.RawMessage{}
	}
	if d.tables[name] == nil {
		d.tables[name] = map[string]json.RawMessage{}
	}
}

// PutItem stores an item in DynamoDB's own JSON, whatever is there, and makes its table where there is none.
func (d *DynamoDB) PutItem(table string, item []byte) error {
	var key struct{ Key struct{ S string } }
	if err := json.Unmarshal(item, &key); err != nil {
		return err
	}
	if key.Key.S == "" {
		return errors.New("the item has no Key")
	}
	d.CreateTable(table)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.tables[table][key.Key.S] = json.RawMessage(item)
	return nil
}

// Fail answers all requests with an error from now on; nil heals it.
func (d *DynamoDB) Fail(err *APIError) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fault = err
}

const (
	dynamoTarget = "DynamoDB_20120810." // before the action, in the header X-Amz-Target
	dynamoType   = "application/x-amz-json-1.0"
	maxItemBody  = 1 << 20
)

// ServeHTTP implements [http.Handler].
func (d *DynamoDB) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxItemBody))
	if err != nil {
		dynamoError(w, http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", err.Error())
		return
	}
	item, fault := d.get(r.Header, body)
	if fault != nil {
		dynamoError(w, fault.Status, fault.Code, fault.Message)
		return
	}
	dynamoReply(w, http.StatusOK, struct {
		Item json.RawMessage `json:",omitempty"`
	}{item})
}

// get judges a request, and returns the item; nil where there is none, which is no error.
func (d *DynamoDB) get(h http.Header, body []byte) (json.RawMessage, *APIError) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var in struct {
		TableName string
		Key       map[string]map[string]any
	}
	switch {
	case d.fault != nil:
		return nil, d.fault
	case h.Get("X-Amz-Target") != dynamoTarget+"GetItem" || h.Get("Content-Type") != dynamoType:
		return nil, invalid("UnknownOperationException", "")
	case !strings.HasPrefix(h.Get("Authorization"), "AWS4-HMAC-SHA256 "):
		return nil, invalid("MissingAuthenticationTokenException", "Request is missing Authentication Token")
	case json.Unmarshal(body, &in) != nil:
		return nil, invalid("SerializationException", "")
	case in.TableName == "":
		return nil, invalid("ValidationException", "The parameter 'TableName' is required but was not present in the request")
	}
	table, ok := d.tables[in.TableName]
	if !ok {
		return nil, invalid("ResourceNotFoundException", "Requested resource not found")
	}
	key, ok := in.Key["Key"]["S"].(string)
	switch {
	case !ok || len(in.Key) != 1 || len(in.Key["Key"]) != 1:
		return nil, invalid("ValidationException", "The provided key element does not match the schema")
	case key == "":
		return nil, invalid("ValidationException", "One or more parameter values are not valid. "+
			"The AttributeValue for a key attribute cannot contain an empty string value. Key: Key")
	}
	return table[key], nil
}

// dynamoError replies with an error in the form of DynamoDB, which has a code of its own for a missing permission:
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
func dynamoError(w http.ResponseWriter, status int, code, message string) {
	if code == "AccessDenied" {
		status, code = http.StatusBadRequest, "AccessDeniedException"
	}
	dynamoReply(w, status, struct {
		Type    string `json:"__type"`
		Message string `json:"message"`
	}{"com.amazonaws.dynamodb.v20120810#" + code, message})
}

// dynamoReply sends a reply and its checksum, which clients verify.
func dynamoReply(w http.ResponseWriter, status int, reply any) {
	body, err := json.Marshal(reply)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", dynamoType)
	w.Header().Set("X-Amzn-Requestid", requestID())
	w.Header().Set("X-Amz-Crc32", strconv.FormatUint(uint64(crc32.ChecksumIEEE(body)), 10))
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that is gone needs no answer
}
