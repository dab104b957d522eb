// An application that believes nobody but gatelodge's signature:
//
//	ISSUER=https://auth.example.com AUDIENCE=app.example.com go run .
package main

import (
	"encoding/json"
	"log"
	"net/http"
	"os"
	"strings"

	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"
)

type claims struct {
	User  string   `json:"preferred_username"`
	Roles []string `json:"roles"`
	jwt.RegisteredClaims
}

func main() {
	// `public_url` of gatelodge, and the host under which people open this application, without port.
	issuer := setting("ISSUER", "https://auth.example.com")
	audience := setting("AUDIENCE", "app.example.com")
	// Kept, and read again when a token names a key that is not there yet.
	keys, err := keyfunc.NewDefault([]string{setting("JWKS_URL", issuer+"/jwks")})
	if err != nil {
		log.Fatal(err)
	}
	// One algorithm, that of `identity_jwt.algorithm`.
	parser := jwt.NewParser(jwt.WithValidMethods([]string{"ES256"}), jwt.WithIssuer(issuer),
		jwt.WithAudience(audience), jwt.WithExpirationRequired(), jwt.WithIssuedAt())

	http.HandleFunc("/", func(response http.ResponseWriter, request *http.Request) {
		who := &claims{}
		text, isBearer := strings.CutPrefix(request.Header.Get("Authorization"), "Bearer ")
		token, err := parser.ParseWithClaims(text, who, keys.Keyfunc)
		response.Header().Set("Content-Type", "application/json")
		// Access tokens have another `typ`: they are signed for others.
		if !isBearer || err != nil || token.Header["typ"] != "JWT" {
			response.WriteHeader(http.StatusUnauthorized)
			response.Write([]byte("{}"))
			return
		}
		json.NewEncoder(response).Encode(map[string]any{"user": who.User, "roles": who.Roles})
	})
	log.Fatal(http.ListenAndServe("127.0.0.1:"+setting("PORT", "3000"), nil))
}

func setting(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}
