//go:build linux

package soak_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"mooring/cmd/internal/rigtest"
)

// moto is an imitation of S3 in a process of its own, which may be stopped and killed. What it holds outlives it.
type moto struct {
	t    testing.TB
	host string // HOST:PORT
	cmd  *exec.Cmd
}

// startMoto returns nil where moto is not installed.
func startMoto(t testing.TB) *moto {
	if _, err := exec.LookPath("moto_server"); err != nil {
		return nil
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m := &moto{t: t, host: listener.Addr().String()}
	_ = listener.Close()
	m.start()
	t.Cleanup(m.kill)
	return m
}

// start starts it with an empty bucket.
func (m *moto) start() {
	host, port, _ := net.SplitHostPort(m.host)
	m.cmd = exec.Command("moto_server", "-H", host, "-p", port)
	m.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := rigtest.Start(m.cmd); err != nil {
		m.t.Fatal(err)
	}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	late := time.After(time.Minute)
	for {
		if reply, err := http.Get("http://" + m.host + "/moto-api/"); err == nil {
			_ = reply.Body.Close()
			break
		}
		select {
		case <-tick.C:
		case <-late:
			m.t.Fatal("moto does not start")
		}
	}
	if _, err := m.client().CreateBucket(context.Background(), &s3.CreateBucketInput{Bucket: aws.String(rigtest.Bucket)}); err != nil {
		m.t.Fatal(err)
	}
}

func (m *moto) kill() {
	m.signal(syscall.SIGKILL)
	_ = m.cmd.Wait()
}

// signal reaches the processes that it consists of.
func (m *moto) signal(s syscall.Signal) { _ = syscall.Kill(-m.cmd.Process.Pid, s) }

func (m *moto) client() *s3.Client {
	return s3.NewFromConfig(aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String("http://" + m.host), Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	}, func(o *s3.Options) { o.UsePathStyle = true })
}

// restart kills it, and starts it with what it held. Nobody may write meanwhile.
func (m *moto) restart() {
	kept := m.objects()
	m.kill()
	m.start()
	for key, body := range kept {
		if _, err := m.client().PutObject(context.Background(), &s3.PutObjectInput{
			Bucket: aws.String(rigtest.Bucket), Key: &key, Body: bytes.NewReader(body),
		}); err != nil {
			m.t.Error(err)
		}
	}
}

func (m *moto) objects() map[string][]byte {
	out := map[string][]byte{}
	list, err := m.client().ListObjectsV2(context.Background(), &s3.ListObjectsV2Input{Bucket: aws.String(rigtest.Bucket)})
	if err != nil {
		m.t.Error(err)
		return nil
	}
	for _, o := range list.Contents {
		got, err := m.client().GetObject(context.Background(), &s3.GetObjectInput{Bucket: aws.String(rigtest.Bucket), Key: o.Key})
		if err != nil {
			m.t.Error(err)
			continue
		}
		out[aws.ToString(o.Key)], _ = io.ReadAll(got.Body)
		_ = got.Body.Close()
	}
	return out
}
