// An application that believes nobody but gatelodge's signature. Java 17 or newer, with Nimbus JOSE + JWT (pom.xml):
//
//   ISSUER=https://auth.example.com AUDIENCE=app.example.com mvn compile exec:java

import com.nimbusds.jose.JOSEObjectType;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.jwk.source.JWKSourceBuilder;
import com.nimbusds.jose.proc.DefaultJOSEObjectTypeVerifier;
import com.nimbusds.jose.proc.JWSVerificationKeySelector;
import com.nimbusds.jose.proc.SecurityContext;
import com.nimbusds.jose.util.JSONObjectUtils;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.proc.DefaultJWTClaimsVerifier;
import com.nimbusds.jwt.proc.DefaultJWTProcessor;
import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import java.net.URI;
import java.util.Map;
import java.util.Set;

public final class Application {
  public static void main(String[] arguments) throws Exception {
    // `public_url` of gatelodge, and the host under which people open this application, without port.
    var issuer = setting("ISSUER", "https://auth.example.com");
    var audience = setting("AUDIENCE", "app.example.com");
    // Kept, and read again when a token names a key that is not there yet.
    var keys = JWKSourceBuilder.create(URI.create(setting("JWKS_URL", issuer + "/jwks")).toURL()).build();

    var processor = new DefaultJWTProcessor<SecurityContext>();
    // One algorithm, that of `identity_jwt.algorithm`.
    processor.setJWSKeySelector(new JWSVerificationKeySelector<>(JWSAlgorithm.ES256, keys));
    // Access tokens have another `typ`: they are signed for others.
    processor.setJWSTypeVerifier(new DefaultJOSEObjectTypeVerifier<>(JOSEObjectType.JWT));
    processor.setJWTClaimsSetVerifier(
        new DefaultJWTClaimsVerifier<>(
            audience, new JWTClaimsSet.Builder().issuer(issuer).build(), Set.of("exp", "iat", "sub")));

    var server = HttpServer.create(new InetSocketAddress("127.0.0.1", Integer.parseInt(setting("PORT", "3000"))), 0);
    server.createContext("/", exchange -> {
      var authorization = exchange.getRequestHeaders().getFirst("Authorization");
      var status = 401;
      var body = "{}";
      try {
        if (authorization != null && authorization.startsWith("Bearer ")) {
          var who = processor.process(authorization.substring("Bearer ".length()), null);
          body = JSONObjectUtils.toJSONString(
              Map.of("user", who.getStringClaim("preferred_username"), "roles", who.getStringListClaim("roles")));
          status = 200;
        }
      } catch (Exception notGood) {
        // 401
      }
      exchange.getResponseHeaders().set("Content-Type", "application/json");
      exchange.sendResponseHeaders(status, body.getBytes().length);
      exchange.getResponseBody().write(body.getBytes());
      exchange.close();
    });
    server.start();
  }

  private static String setting(String name, String otherwise) {
    return System.getenv().getOrDefault(name, otherwise);
  }
}
