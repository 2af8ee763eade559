#!/bin/sh
# A Terraform that a terminal wants to stop, as it writes. A signal that is ignored from the start cannot be trapped.
trap 'echo was stopped' TTOU
kill -TTOU $$
echo went on
exit 1
