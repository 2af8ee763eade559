package config

import (
	"strconv"
	"strings"
)

// didYouMean ends a fault with the known word that is nearest to the one written, if one is near.
func didYouMean(word string, known []string) string {
	if len(word) > maxLabel {
		return ""
	}
	best, least := "", 4
	for _, k := range known {
		if d := apart(letters(word), letters(k)); d < least && d <= len(k)/3 {
			best, least = k, d
		}
	}
	if best == "" && letters(word) != "" {
		for _, k := range known {
			if a, b := letters(word), letters(k); strings.HasPrefix(a, b) || strings.HasPrefix(b, a) && len(a) > 2 {
				best = k // targetGroupARN
				break
			}
		}
	}
	if best == "" {
		return ""
	}
	return ": did you mean " + best + "?"
}

// letters is a key without its manner of writing: maxLeave and max-leave are max_leave.
func letters(word string) string {
	return strings.ToLower(strings.NewReplacer("_", "", "-", "", ".", "").Replace(word))
}

// apart is the Levenshtein distance: how many letters must be put in, left out or changed.
func apart(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			changed := diagonal
			if a[i] != b[j] {
				changed++
			}
			diagonal = row[j+1]
			row[j+1] = min(changed, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// keyName is a key as a fault names it: quoted where it is not a word.
func keyName(key string) string {
	if checkName(key) != nil {
		return strconv.Quote(shortened(key))
	}
	return key
}
