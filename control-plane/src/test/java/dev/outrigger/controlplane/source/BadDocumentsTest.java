package dev.outrigger.controlplane.source;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.controlplane.source.Problem.Code;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Each bad document gets one problem, at the place marked with @@, with a hint that helps. */
final class BadDocumentsTest {
  private static final String SERVICE =
      """
      apiVersion: v1
      kind: Service
      metadata: {name: catalog, namespace: shop}
      """;
  private static final String WORKLOAD =
      """
      apiVersion: mesh.outrigger.dev/v1alpha1
      kind: Workload
      metadata: {name: catalog-1, namespace: shop}
      """;
  private static final String ROUTE =
      """
      apiVersion: gateway.networking.k8s.io/v1
      kind: HTTPRoute
      metadata: {name: catalog, namespace: shop}
      spec:
        parentRefs: [{kind: Service, name: catalog}]
      """;
  private static final String CALLS =
      ROUTE.replace("HTTPRoute", "GRPCRoute").replace("name: catalog, ", "name: calls, ");
  private static final String CONNECTIONS = ROUTE.replace("HTTPRoute", "TCPRoute");
  private static final String NAMES = ROUTE.replace("HTTPRoute", "TLSRoute");
  private static final String BACKENDS = "backendRefs: [{name: catalog, port: 80}]";
  private static final String POLICY =
      """
      apiVersion: mesh.outrigger.dev/v1alpha1
      kind: TrafficPolicy
      metadata: {name: catalog, namespace: shop}
      spec:
        targetRefs: [{kind: Service, name: catalog}]
      """;
  private static final String MESH =
      """
      apiVersion: mesh.outrigger.dev/v1alpha1
      kind: MeshConfig
      metadata: {name: mesh}
      """;
  private static final String EXPERIMENT =
      """
      apiVersion: chaos.outrigger.dev/v1alpha1
      kind: Experiment
      metadata: {name: slow, namespace: shop}
      spec:
        hypothesis: it holds
        owner: us
        duration: 1m
      """;

  record Bad(String name, String yaml, Code code, String message, String hint) {
    @Override
    public String toString() {
      return name;
    }
  }

  private static Bad bad(String name, String yaml, Code code, String message, String hint) {
    return new Bad(name, yaml, code, message, hint);
  }

  static Stream<Bad> documents() {
    return Stream.of(
        bad(
            "unknown field",
            SERVICE + "spec:\n  ports: [{port: 80}]\n  @@selectr: {app: a}\n",
            Code.UNKNOWN_FIELD,
            "unknown field `selectr` in `spec`",
            "did you mean `selector`?"),
        bad(
            "unknown field without a near one",
            WORKLOAD + "spec:\n  address: 10.0.0.1\n  ports:\n  - port: 80\n    @@zzz: 1\n",
            Code.UNKNOWN_FIELD,
            "unknown field `zzz` in `spec.ports[0]`",
            "allowed fields here: port, appPort, name, appProtocol"),
        bad(
            "misspelled field of the document",
            "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {ports: [{port: 1}]}\n"
                + "@@statsu: {}\n",
            Code.UNKNOWN_FIELD,
            "unknown field `statsu`",
            "did you mean `status`?"),
        bad(
            "missing kind",
            "@@apiVersion: v1\nmetadata: {name: a}\n",
            Code.MISSING_FIELD,
            "`kind` is required",
            "add `kind`"),
        bad(
            "unknown kind",
            "apiVersion: v1\nkind: @@Servce\nmetadata: {name: a}\n",
            Code.UNKNOWN_KIND,
            "unknown kind `Servce`",
            "did you mean `Service`?"),
        bad(
            "kind of a later day",
            "apiVersion: v1\nkind: @@AuthorizationPolicy\nmetadata: {name: a}\n",
            Code.UNSUPPORTED,
            "`AuthorizationPolicy` is not supported yet",
            "supported are Service"),
        bad(
            "a call of nothing",
            CALLS + "  rules:\n  - matches: [{method: @@{type: Exact}}]\n    " + BACKENDS,
            Code.MISSING_FIELD,
            "`spec.rules[0].matches[0].method.service` or",
            "leave out the whole"),
        bad(
            "a path in place of a service of gRPC",
            CALLS
                + "  rules:\n  - matches: [{method: {service: @@/shop.Catalog}}]\n    "
                + BACKENDS,
            Code.BAD_VALUE,
            "expected a name such as shop.v1.Catalog",
            "type: RegularExpression"),
        bad(
            "a filter of HTTP at calls",
            CALLS
                + "  rules:\n  - filters: [{type: @@URLRewrite, urlRewrite: {}}]\n    "
                + BACKENDS,
            Code.BAD_VALUE,
            "expected one of RequestHeaderModifier, ResponseHeaderModifier, RequestMirror",
            ""),
        bad(
            "a timeout at calls",
            CALLS + "  rules:\n  - @@timeouts: {request: 1s}\n    " + BACKENDS,
            Code.UNKNOWN_FIELD,
            "unknown field `timeouts` in `spec.rules[0]`",
            ""),
        bad(
            "two rules for connections",
            CONNECTIONS + "  rules:\n  @@- " + BACKENDS + "\n  - " + BACKENDS,
            Code.UNSUPPORTED,
            "has 2 rules, and the first takes all",
            "weights"),
        bad(
            "no backend for connections",
            CONNECTIONS + "  rules:\n  - @@{name: none}\n",
            Code.MISSING_FIELD,
            "`spec.rules[0].backendRefs` is required",
            ""),
        bad(
            "a filter at connections",
            CONNECTIONS + "  rules:\n  - backendRefs: [{name: catalog, port: 80, @@filters: []}]\n",
            Code.UNKNOWN_FIELD,
            "unknown field `filters`",
            ""),
        bad(
            "no name to ask for",
            NAMES.replace("parentRefs", "@@parentRefs") + "  rules:\n  - " + BACKENDS,
            Code.MISSING_FIELD,
            "`spec.hostnames` is required",
            ""),
        bad(
            "an address in place of a name",
            NAMES + "  hostnames: [@@10.0.0.1]\n  rules:\n  - " + BACKENDS,
            Code.BAD_VALUE,
            "expected the name that clients ask for by TLS",
            "shop.example"),
        bad(
            "a filter at a backend that it cannot have",
            ROUTE
                + "  rules:\n  - backendRefs: [{name: catalog, port: 80, filters: [{type: @@URLRewrite,"
                + " urlRewrite: {}}]}]\n",
            Code.BAD_VALUE,
            "expected one of RequestHeaderModifier, ResponseHeaderModifier",
            ""),
        bad(
            "wrong apiVersion",
            "apiVersion: @@v2\nkind: Service\nmetadata: {name: a}\nspec: {ports: [{port: 1}]}\n",
            Code.BAD_VALUE,
            "expected v1",
            "write `apiVersion: v1`"),
        bad(
            "missing name",
            "apiVersion: v1\nkind: Service\nmetadata: @@{namespace: a}\nspec: {ports: [{port: 1}]}",
            Code.MISSING_FIELD,
            "`metadata.name` is required",
            "add `name`"),
        bad(
            "name in capitals",
            "apiVersion: v1\nkind: Service\nmetadata: {name: @@Catalog}\nspec: {ports: [{port: 1}]}",
            Code.BAD_VALUE,
            "`metadata.name` is `Catalog`",
            ""),
        bad(
            "label that is a number",
            "apiVersion: v1\nkind: Service\nmetadata: {name: a, labels: {version: @@2}}\n"
                + "spec: {ports: [{port: 1}]}",
            Code.WRONG_TYPE,
            "`metadata.labels.version` must be text, but is the number `2`",
            "put it in quotes: \"2\""),
        bad(
            "field twice",
            SERVICE + "spec:\n  ports: [{port: 80}]\n  @@ports: [{port: 81}]\n",
            Code.DUPLICATE_FIELD,
            "the field `ports` is there twice in `spec`",
            "first at line 5"),
        bad(
            "port too large",
            SERVICE + "spec:\n  ports: [{port: @@70000}]\n",
            Code.BAD_VALUE,
            "`spec.ports[0].port` is 70000, expected 1 to 65535",
            ""),
        bad(
            "port in quotes",
            SERVICE + "spec:\n  ports: [{port: @@\"80\"}]\n",
            Code.WRONG_TYPE,
            "must be a whole number, but is the text `80`",
            "remove the quotes"),
        bad(
            "no ports",
            SERVICE + "spec: @@{selector: {app: a}}\n",
            Code.MISSING_FIELD,
            "`spec.ports` is required",
            "add `ports`"),
        bad(
            "ports without a list",
            SERVICE + "spec:\n  ports: @@{port: 80}\n",
            Code.WRONG_TYPE,
            "`spec.ports` must be a list, but is a mapping",
            "dash"),
        bad(
            "port twice",
            SERVICE + "spec:\n  ports: [{name: a, port: 80}, {name: b, port: @@80}]\n",
            Code.BAD_VALUE,
            "the port 80 is there already",
            ""),
        bad(
            "opaque ports",
            "apiVersion: v1\nkind: Service\nmetadata:\n  name: a\n  annotations:\n"
                + "    traffic.outrigger.dev/opaque-ports: @@\"80,x\"\nspec: {ports: [{port: 1}]}\n",
            Code.BAD_VALUE,
            "holds `x`",
            "5432,6000-6010"),
        bad(
            "name in place of an address",
            WORKLOAD + "spec:\n  address: @@localhost\n  ports: [{port: 80}]\n",
            Code.BAD_VALUE,
            "must be an IPv4 or IPv6 address, but is `localhost`",
            "only an address"),
        bad(
            "two forms of address",
            WORKLOAD + "spec:\n  address: 10.0.0.1\n  @@addresses: []\n  ports: [{port: 80}]\n",
            Code.CONFLICT,
            "`addresses` cannot stand beside `address`",
            "keep one"),
        bad(
            "identity that is none",
            WORKLOAD + "spec: {address: 10.0.0.1, ports: [{port: 80}], identity: @@catalog}\n",
            Code.BAD_VALUE,
            "`spec.identity` must be a SPIFFE ID",
            "spiffe://cluster.local/ns/shop/sa/catalog"),
        bad(
            "application port without an explicit sidecar",
            WORKLOAD + "spec:\n  address: 10.0.0.1\n  ports: [{port: 80, appPort: @@81}]\n",
            Code.CONFLICT,
            "is only for `sidecar.mode: explicit`",
            "spec.sidecar.mode"),
        bad(
            "mode of a sidecar",
            WORKLOAD
                + "spec: {address: 10.0.0.1, ports: [{port: 80}], sidecar: {mode: @@explict}}\n",
            Code.BAD_VALUE,
            "`spec.sidecar.mode` is `explict`",
            "did you mean `explicit`?"),
        bad(
            "listen address without a port",
            WORKLOAD
                + "spec:\n  address: 10.0.0.1\n  ports: [{port: 80}]\n"
                + "  sidecar: {mode: explicit, outbound: @@127.0.0.1}\n",
            Code.BAD_VALUE,
            "must be an address and a port",
            "127.0.0.1:15001"),
        bad(
            "weight of a backend",
            ROUTE + "  rules:\n  - backendRefs: [{name: catalog, port: 80, @@weigth: 3}]\n",
            Code.UNKNOWN_FIELD,
            "unknown field `weigth` in `spec.rules[0].backendRefs[0]`",
            "did you mean `weight`?"),
        bad(
            "type of a path match",
            ROUTE
                + "  rules:\n  - matches: [{path: {type: @@Prefix, value: /a}}]\n"
                + "    backendRefs: [{name: catalog, port: 80}]\n",
            Code.BAD_VALUE,
            "expected one of Exact, PathPrefix, RegularExpression",
            ""),
        bad(
            "regular expression",
            ROUTE
                + "  rules:\n  - matches: [{path: {type: RegularExpression, value: @@\"/a(\"}}]\n"
                + "    backendRefs: [{name: catalog, port: 80}]\n",
            Code.BAD_VALUE,
            "is no regular expression: Unclosed group",
            ""),
        bad(
            "path without a slash",
            ROUTE
                + "  rules:\n  - matches: [{path: {value: @@items}}]\n"
                + "    backendRefs: [{name: catalog, port: 80}]\n",
            Code.BAD_VALUE,
            "`spec.rules[0].matches[0].path.value` is `items`, expected a path",
            "begin it with a slash"),
        bad(
            "unknown filter",
            ROUTE + "  rules:\n  - filters: [{type: @@ExternalAuth}]\n",
            Code.BAD_VALUE,
            "`spec.rules[0].filters[0].type` is `ExternalAuth`, expected one of"
                + " RequestHeaderModifier",
            ""),
        bad(
            "duration without a unit",
            ROUTE + "  rules:\n  - timeouts: {request: @@300}\n    backendRefs: []\n",
            Code.BAD_VALUE,
            "`spec.rules[0].timeouts.request` must be a duration, but is the number `300`",
            "add a unit: 300ms or 300s"),
        bad(
            "timeout of an attempt above that of all",
            ROUTE + "  rules:\n  - timeouts: {request: 1s, backendRequest: @@2s}\n",
            Code.CONFLICT,
            "is longer than `request`",
            ""),
        bad(
            "hostnames of a route",
            ROUTE + "  @@hostnames: [a.example]\n  rules: [{backendRefs: []}]\n",
            Code.UNSUPPORTED,
            "`spec.hostnames` is not supported",
            "remove it"),
        bad(
            "parent that is a gateway",
            "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: a}\n"
                + "spec:\n  parentRefs: [{kind: @@Gateway, name: g}]\n  rules: [{name: a}]\n",
            Code.UNSUPPORTED,
            "must be Service",
            "kind: Service"),
        bad(
            "unknown balancer",
            POLICY + "  loadBalancing: {policy: @@LeastRequests}\n",
            Code.BAD_VALUE,
            "expected one of RoundRobin, WeightedRoundRobin, Random, LeastRequest",
            "did you mean `LeastRequest`?"),
        bad(
            "no kind of probe",
            POLICY + "  healthCheck: @@{interval: 5s}\n",
            Code.MISSING_FIELD,
            "expected one of http, tcp in `spec.healthCheck`",
            "add one of them"),
        bad(
            "percentage without its sign",
            POLICY + "  outlierDetection: {maxEjectionPercent: @@50}\n",
            Code.BAD_VALUE,
            "must be a percentage from 0% to 100%, but is the number `50`",
            "add the unit: 50%"),
        bad(
            "condition of a retry",
            POLICY + "  retries: {on: [@@5xxx]}\n",
            Code.BAD_VALUE,
            "`spec.retries.on` is `5xxx`",
            "did you mean `5xx`?"),
        bad(
            "mode in small letters",
            MESH + "spec: {mtls: {mode: @@strict}}\n",
            Code.BAD_VALUE,
            "expected one of STRICT, PERMISSIVE",
            "did you mean `STRICT`?"),
        bad(
            "port of a port mode",
            "apiVersion: mesh.outrigger.dev/v1alpha1\nkind: AuthenticationPolicy\n"
                + "metadata: {name: a}\nspec: {portMtls: {@@http: {mode: STRICT}}}\n",
            Code.BAD_VALUE,
            "`spec.portMtls.http` must be a port",
            "\"8080\""),
        bad(
            "percentage of a fault misspelled",
            EXPERIMENT
                + "  faults:\n  - name: slow\n    where: request\n    delay: {fixed: 1s}\n"
                + "    @@percntage: 20%\n",
            Code.UNKNOWN_FIELD,
            "unknown field `percntage` in `spec.faults[0]`",
            "did you mean `percentage`?"),
        bad(
            "fault with two actions",
            EXPERIMENT
                + "  faults:\n  - name: slow\n    where: request\n    delay: {fixed: 1s}\n"
                + "    @@abort: {httpStatus: 503}\n",
            Code.CONFLICT,
            "`abort` cannot stand beside `delay` in `spec.faults[0]`",
            "keep one of them"),
        bad(
            "bytes at a request",
            EXPERIMENT + "  faults: [{name: a, where: @@request, latency: {latency: 1s}}]\n",
            Code.CONFLICT,
            "acts on bytes",
            "write `where: connection`"),
        bad(
            "a request's fault on a connection",
            EXPERIMENT + "  faults: [{name: a, where: @@connection, abort: {httpStatus: 503}}]\n",
            Code.CONFLICT,
            "acts on requests",
            "write `where: request`, attempt or inbound"),
        bad(
            "rewrite of what frames",
            EXPERIMENT
                + "  faults: [{name: a, where: request, rewrite: @@{request: {set:"
                + " {Content-Length: \"1\"}}}}]\n",
            Code.CONFLICT,
            "`content-length` says how a message is framed or routed",
            ""),
        bad(
            "throttle at an attempt",
            EXPERIMENT + "  faults: [{name: a, where: @@attempt, throttle: {rate: 1Ki}}]\n",
            Code.CONFLICT,
            "it can only be at a request or inbound",
            "write `where: request` or inbound"),
        bad(
            "certificate of a request",
            EXPERIMENT + "  faults: [{name: a, where: @@request, certificate: {flaw: expired}}]\n",
            Code.CONFLICT,
            "it needs `where: connection` or inbound",
            "write `where: connection` for the caller's part, inbound for the receiver's"),
        bad(
            "flaw that nobody knows",
            EXPERIMENT
                + "  faults: [{name: a, where: inbound, certificate: {flaw: @@wrongTrustdomain}}]\n",
            Code.BAD_VALUE,
            "wrongTrustdomain",
            "did you mean `wrongTrustDomain`?"),
        bad(
            "handshake that is as always",
            EXPERIMENT + "  faults: [{name: a, where: inbound, handshake: @@{}}]\n",
            Code.CONFLICT,
            "neither late nor ends",
            ""),
        bad(
            "receiver that knows its caller too early",
            EXPERIMENT
                + "  faults: [{name: a, where: inbound, certificate: {flaw: expired}, match:"
                + " @@{source: {services: [web]}}}]\n",
            Code.CONFLICT,
            "who calls is not known before the handshake is over",
            "leave `source` out, or write `where: connection` to meet some callers"),
        bad(
            "lost stream of a service",
            EXPERIMENT + "  faults: [{name: a, where: @@inbound, lostStream: {}}]\n",
            Code.CONFLICT,
            "it needs `where: mesh`",
            "write `where: mesh`"),
        bad(
            "mesh with a destination",
            EXPERIMENT
                + "  faults: [{name: a, where: mesh, lostStream: {}, match: @@{destination:"
                + " {services: [web]}}}]\n",
            Code.CONFLICT,
            "has no destination",
            "leave `destination` out"),
        bad(
            "attempts of a request",
            EXPERIMENT + "  faults: [{name: a, where: request, reset: {}, firstAttempts: @@2}]\n",
            Code.CONFLICT,
            "it needs `where: attempt`",
            "write `where: attempt`, or `first` to count requests"),
        bad(
            "rate that is none",
            EXPERIMENT + "  faults: [{name: a, where: connection, bandwidth: {rate: @@64KB}}]\n",
            Code.BAD_VALUE,
            "must be 1 to 10000000000 bytes, but is the text `64KB`",
            "write it like 1000, 64Ki or 1M"),
        bad(
            "slices that vary too much",
            EXPERIMENT
                + "  faults: [{name: a, where: connection, slicer: @@{averageSize: 4, sizeVariation:"
                + " 4}}]\n",
            Code.CONFLICT,
            "the variation is 0 to below the average size of 4, not 4",
            ""),
        bad(
            "quantile without its letter",
            EXPERIMENT
                + "  faults: [{name: a, where: connection, latency: {quantiles: {p50: 1s, \"99\":"
                + " @@2s}}}]\n",
            Code.BAD_VALUE,
            "`spec.faults[0].latency.quantiles.99` is no quantile with its duration",
            "write it like p50: 20ms or p99.9: 1s"),
        bad(
            "quantiles that fall",
            EXPERIMENT
                + "  faults: [{name: a, where: request, delay: @@{quantiles: {p50: 2s, p99: 1s}}}]\n",
            Code.CONFLICT,
            "p50=2000ms comes before p99=1000ms",
            ""),
        bad(
            "bound of a histogram",
            EXPERIMENT
                + "  faults: [{name: a, where: request, delay: {histogram: {\"0.5\": 3, 1s:"
                + " @@4}}}]\n",
            Code.BAD_VALUE,
            "`spec.faults[0].delay.histogram.1s` is no bound in seconds with its count",
            "write it as metrics have it, like \"0.25\": 120"),
        bad(
            "histogram that falls",
            EXPERIMENT
                + "  faults: [{name: a, where: connection, latency: @@{histogram: {\"0.5\": 3,"
                + " \"1\": 2}}}]\n",
            Code.CONFLICT,
            "500.0ms: 3 comes before 1000.0ms: 2",
            ""),
        bad(
            "histogram beside quantiles",
            EXPERIMENT
                + "  faults: [{name: a, where: request, delay: {quantiles: {p99: 1s}, histogram:"
                + " @@{\"1\": 3}}}]\n",
            Code.CONFLICT,
            "cannot stand beside `quantiles`",
            "keep one of them"),
        bad(
            "quantiles beside a middle",
            EXPERIMENT
                + "  faults: [{name: a, where: request, delay: {fixed: @@2s, quantiles: {p99:"
                + " 1s}}}]\n",
            Code.CONFLICT,
            "cannot stand beside `quantiles`",
            "keep one of them"),
        bad(
            "status of an abort",
            EXPERIMENT + "  faults: [{name: a, where: inbound, abort: {httpStatus: @@99}}]\n",
            Code.BAD_VALUE,
            "is 99, expected 200 to 599",
            ""),
        bad(
            "experiment without an end",
            EXPERIMENT.replace("  duration: 1m\n", "").replace("spec:\n  ", "spec:\n  @@")
                + "  faults: [{name: a, where: request, reset: {}}]\n",
            Code.MISSING_FIELD,
            "`spec.duration` is required",
            "add `duration`"),
        bad(
            "no YAML",
            "apiVersion: v1\nkind: @@\"Service\nmetadata: {name: a}\n",
            Code.SYNTAX,
            "not valid YAML",
            ""),
        bad(
            "indented with a tab",
            "apiVersion: v1\nkind: Service\nmetadata:\n@@\tname: a\n",
            Code.SYNTAX,
            "not valid YAML",
            "spaces"),
        bad(
            "text in place of a document",
            "@@just some text\n",
            Code.WRONG_TYPE,
            "the document must be a mapping of fields, but is the text `just some text`",
            ""),
        bad(
            "tag of a language",
            SERVICE + "spec: @@!!java.lang.Object {ports: []}\n",
            Code.SYNTAX,
            "is not allowed",
            "remove the tag"));
  }

  @ParameterizedTest
  @MethodSource("documents")
  void tellsWhereAndWhat(Bad bad) {
    int marker = bad.yaml().indexOf("@@");
    String yaml = bad.yaml().replace("@@", "");
    int line = (int) bad.yaml().substring(0, marker).chars().filter(c -> c == '\n').count() + 1;
    int column = marker - bad.yaml().lastIndexOf('\n', marker);

    Analysis analysis = Analysis.ofText("mesh.yaml", yaml);

    List<Problem> errors =
        analysis.problems().stream()
            .filter(problem -> problem.severity() == Problem.Severity.ERROR)
            .toList();
    assertThat(errors).hasSize(1);
    Problem problem = errors.getFirst();
    assertThat(problem.code()).isEqualTo(bad.code());
    assertThat(problem.message()).contains(bad.message());
    assertThat(problem.hint()).contains(bad.hint());
    if (bad.code() != Code.SYNTAX) {
      assertThat(problem.column()).as("column").isEqualTo(column);
    }
    assertThat(problem.line())
        .as("line")
        .isBetween(line, line + (bad.code() == Code.SYNTAX ? 1 : 0));
    assertThat(analysis.state().objects()).isEmpty();
  }

  @Test
  void findsAllProblemsOfADocumentAtOnce() {
    Analysis analysis =
        Analysis.ofText(
            "mesh.yaml",
            SERVICE + "spec:\n  ports:\n  - {port: 0, x: 1}\n  - {name: b, port: b}\n  y: 2\n");

    assertThat(analysis.problems())
        .extracting(Problem::code)
        .contains(Code.BAD_VALUE, Code.WRONG_TYPE, Code.UNKNOWN_FIELD);
    assertThat(analysis.problems()).hasSizeGreaterThanOrEqualTo(4);
  }

  @Test
  void pointsIntoTheRightDocumentOfAFile() {
    Analysis analysis =
        Analysis.ofText(
            "mesh.yaml",
            "# first\n---\n"
                + SERVICE
                + "spec: {ports: [{port: 1}]}\n---\n"
                + WORKLOAD
                + "spec: 1\n");

    assertThat(analysis.problems()).hasSize(1);
    assertThat(analysis.problems().getFirst().line()).isEqualTo(11);
    assertThat(analysis.state().services()).hasSize(1);
  }

  @Test
  void refusesAnAliasBomb() {
    StringBuilder bomb = new StringBuilder("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for (int i = 1; i < 12; i++) {
      bomb.append("a").append(i).append(": &a").append(i).append(" [");
      bomb.append(("*a" + (i - 1) + " , ").repeat(9)).append("*a").append(i - 1).append(" ]\n");
    }

    Analysis analysis = Analysis.ofText("bomb.yaml", bomb.toString());

    assertThat(analysis.problems()).extracting(Problem::code).containsExactly(Code.LIMIT);
  }

  @Test
  void refusesADocumentThatContainsItself() {
    Analysis analysis = Analysis.ofText("loop.yaml", "a: &a [*a]\n");

    assertThat(analysis.problems()).extracting(Problem::code).containsExactly(Code.LIMIT);
  }

  @Test
  void refusesNestingWithoutEnd() {
    Analysis analysis = Analysis.ofText("deep.yaml", "[".repeat(200_000));

    assertThat(analysis.problems()).hasSize(1);
    assertThat(analysis.problems().getFirst().code()).isIn(Code.LIMIT, Code.SYNTAX);
  }

  @Test
  void warnsOfReferencesToWhatDoesNotExist() {
    Analysis analysis =
        Analysis.ofText(
            "mesh.yaml",
            SERVICE
                + "spec: {ports: [{port: 80}]}\n---\n"
                + ROUTE
                + "  rules:\n  - backendRefs:\n    - {name: catalgo, port: 80}\n"
                + "    - {name: catalog, port: 81}\n");

    assertThat(analysis.hasErrors()).isFalse();
    assertThat(analysis.problems())
        .extracting(Problem::line, Problem::message, Problem::hint)
        .containsExactly(
            org.assertj.core.groups.Tuple.tuple(
                13,
                "`spec.rules[0].backendRefs[0].name` names the service `catalgo.shop`, which does"
                    + " not exist",
                "did you mean `catalog.shop`?"),
            org.assertj.core.groups.Tuple.tuple(
                14,
                "`spec.rules[0].backendRefs[1].name`: the service `catalog.shop` has no port 81",
                "its ports are 80"));
  }

  @Test
  void rendersLikeACompiler() {
    Analysis analysis =
        Analysis.ofText("mesh.yaml", SERVICE + "spec:\n  ports: [{port: 80}]\n  selectr: {a: b}\n");

    assertThat(analysis.problems().getFirst().render())
        .isEqualTo(
            """
            error[OR1003]: unknown field `selectr` in `spec` (Service shop/catalog)
              --> mesh.yaml:6:3
              |
            6 |   selectr: {a: b}
              |   ^
              = help: did you mean `selector`?
              = see: outrigger explain OR1003
            """);
    assertThat(analysis.problems().getFirst().toJson())
        .isEqualTo(
            "{\"code\":\"OR1003\",\"severity\":\"error\",\"file\":\"mesh.yaml\",\"line\":6,"
                + "\"column\":3,\"object\":\"Service shop/catalog\",\"message\":\"unknown field"
                + " `selectr` in `spec`\",\"hint\":\"did you mean `selector`?\"}");
  }
}
