// Program etcd is the store behind the real kube-apiserver that the end-to-end suite runs against.
// Only tests use it: it exists so that go.mod and go.sum beside it pin what is built.
package main

import (
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
)

func main() {
	etcdmain.Main(os.Args)
}
