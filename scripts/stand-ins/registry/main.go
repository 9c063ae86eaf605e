// A schema registry for tests, where no image can be pulled: the wire protocol is right, compatibility is always yes.
package main

import (
	"log"
	"net/http"

	"github.com/twmb/franz-go/pkg/sr/srfake"
)

func main() {
	registry := srfake.New()
	defer registry.Close()
	log.Fatal(http.ListenAndServe(":8081", registry.Handler()))
}
