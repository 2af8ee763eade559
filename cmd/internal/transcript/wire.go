package transcript

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"slices"
)

// fault finds the code and the message of an error, in whatever element a service puts them.
func fault(body []byte) (code, message string) {
	for _, e := range elements(body) {
		switch {
		case e.path[len(e.path)-1] == "Code" && code == "":
			code = e.text
		case e.path[len(e.path)-1] == "Message" && message == "":
			message = e.text
		}
	}
	return code, message
}

type element struct {
	path []string
	text string
}

// elements are the leaves of a document, as far as it can be read.
func elements(body []byte) (out []element) {
	d := xml.NewDecoder(bytes.NewReader(body))
	var path []string
	text := ""
	for {
		token, err := d.Token()
		if err != nil {
			return out
		}
		switch t := token.(type) {
		case xml.StartElement:
			path, text = append(path, t.Name.Local), ""
		case xml.CharData:
			text += string(t)
		case xml.EndElement:
			if text != "" {
				out = append(out, element{slices.Clone(path), text})
			}
			path, text = path[:max(len(path)-1, 0)], ""
		}
	}
}

// lists are what a replay reads of the replies to calls.
var lists = map[string]struct {
	name, item string
	fields     []string
}{
	"DescribeTargetHealth":          {"TargetHealthDescriptions", "member", []string{"Id", "Port", "AvailabilityZone", "HealthCheckPort", "State", "Reason"}},
	"DescribeTargetGroupAttributes": {"Attributes", "member", []string{"Key", "Value"}},
	"DescribeSubnets":               {"subnetSet", "item", []string{"subnetId", "cidrBlock", "availabilityZone", "availabilityZoneId"}},
}

// excerpt writes the list of a reply anew, as [Items] reads it, with nothing else in it.
func excerpt(action, body string, m *Mask) string {
	list, ok := lists[action]
	if !ok {
		return ""
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "<%s>", list.name)
	for _, one := range Items(body, list.name, list.item) {
		fmt.Fprintf(&b, "<%s>", list.item)
		for _, field := range list.fields {
			if value, ok := one[field]; ok {
				fmt.Fprintf(&b, "<%s>", field)
				_ = xml.EscapeText(&b, []byte(m.Text(value))) // a buffer takes everything
				fmt.Fprintf(&b, "</%s>", field)
			}
		}
		fmt.Fprintf(&b, "</%s>", list.item)
	}
	fmt.Fprintf(&b, "</%s>", list.name)
	return b.String()
}

// Items reads a list of the query protocol: one map for each element of that name below a list's, with the text of
// each leaf by its name. Of leaves of one name in an item the first counts; those of a zonal shift do not, which has a
// State and a Reason of its own beside the target's health:
// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_AdministrativeOverride.html
func Items(body, list, item string) []map[string]string {
	d := xml.NewDecoder(bytes.NewReader([]byte(body)))
	var out []map[string]string
	var path []string
	depth := 0 // of the item that is being read
	text := ""
	for {
		token, err := d.Token()
		if err != nil {
			return out
		}
		switch t := token.(type) {
		case xml.StartElement:
			if depth == 0 && t.Name.Local == item && len(path) > 0 && path[len(path)-1] == list {
				out = append(out, map[string]string{})
				depth = len(path) + 1
			}
			path, text = append(path, t.Name.Local), ""
		case xml.CharData:
			text += string(t)
		case xml.EndElement:
			if depth > 0 && len(path) > depth && !slices.Contains(path[depth:], "AdministrativeOverride") {
				if last := out[len(out)-1]; last[t.Name.Local] == "" && text != "" {
					last[t.Name.Local] = text
				}
			}
			if len(path) == depth {
				depth = 0
			}
			path, text = path[:max(len(path)-1, 0)], ""
		}
	}
}
