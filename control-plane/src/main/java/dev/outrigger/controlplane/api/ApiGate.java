package dev.outrigger.controlplane.api;

import dev.outrigger.controlplane.access.ApiTokens;
import dev.outrigger.controlplane.access.AuditLog;
import dev.outrigger.controlplane.access.Caller;
import dev.outrigger.controlplane.chaos.Refusal;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Says who calls and whether that one may, and writes down what was asked for. Thread-safe.
 *
 * @param tokens null lets everybody who reaches loopback do everything
 * @param audit null writes nothing down
 */
public record ApiGate(@Nullable ApiTokens tokens, @Nullable AuditLog audit) {
  /** Lets everybody do everything, and writes nothing down. */
  public static final ApiGate OPEN = new ApiGate(null, null);

  private static final String BEARER = "Bearer ";

  /**
   * Who calls.
   *
   * @return null if it shows no token, or one that is not good
   */
  @Nullable Caller caller(@Nullable String authorization) {
    if (tokens == null) {
      return Caller.LOCAL;
    }
    return authorization != null && authorization.regionMatches(true, 0, BEARER, 0, BEARER.length())
        ? tokens.find(authorization.substring(BEARER.length()).strip())
        : null;
  }

  /** Null where it may. */
  static @Nullable ApiReply refusal(
      ApiRoute route, List<String> parameters, @Nullable Caller caller) {
    return switch (route.needs()) {
      case Needs.Nothing _ -> null;
      case Needs.AtLeast(var role) ->
          caller == null
              ? unknown()
              : caller.role().covers(role)
                  ? null
                  : forbidden(caller, "this is for the role " + role.text());
      case Needs.InNamespace(var role) ->
          caller == null
              ? unknown()
              : !caller.role().covers(role)
                  ? forbidden(caller, "this is for the role " + role.text())
                  : caller.covers(parameters.getFirst())
                      ? null
                      : outside(caller, parameters.getFirst());
    };
  }

  static ApiReply outside(Caller caller, String namespace) {
    return forbidden(
        caller,
        "its token is for %s, not for %s"
            .formatted(
                String.join(", ", caller.namespaces().stream().sorted().toList()), namespace));
  }

  private static ApiReply unknown() {
    return ApiReply.refusal(
        Refusal.TOKEN.status(),
        Refusal.TOKEN.id(),
        "expected a token of the API that is good, in `authorization: Bearer`");
  }

  private static ApiReply forbidden(Caller caller, String reason) {
    return ApiReply.refusal(
        Refusal.ROLE.status(),
        Refusal.ROLE.id(),
        "%s is %s; %s".formatted(caller.name(), caller.role().text(), reason));
  }
}
