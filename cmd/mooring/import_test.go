package main

import "testing"

func TestWhatIsUnreadableForOneReasonIsSaidOnce(t *testing.T) {
	const notes = "Active IP list of a.json unreadable: there is no bucket \"b\": https response error StatusCode: 404, RequestID: 4Z0XK, HostID: 9aBc+/=, api error NoSuchBucket: The sp; " +
		"active_ip.json unreadable: there is no bucket \"b\": https response error StatusCode: 404, RequestID: 7QWERTZ, HostID: zz/+, api error NoSuchBucket: The spec; " +
		"pending_ip.json unreadable: there is no bucket \"b\": https response error StatusCode: 404, RequestID: 7QWERTZ, HostI; " +
		"other.json unreadable: not JSON"
	const want = "Active IP list of a.json unreadable: there is no bucket \"b\": https response error StatusCode: 404, api error NoSuchBucket: The sp; " +
		"other.json unreadable: not JSON"
	if got := sayOnce(notes); got != want {
		t.Errorf("said %s", got)
	}
}
