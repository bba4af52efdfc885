package dev.outrigger.controlplane.api;

import dev.outrigger.controlplane.access.ApiTokens;
import dev.outrigger.controlplane.access.AuditLog;
import dev.outrigger.controlplane.access.Caller;
import dev.outrigger.controlplane.access.Role;
import dev.outrigger.controlplane.chaos.Refusal;
import java.util.List;
import java.util.Set;
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

  /**
   * What keeps somebody from having an experiment started by a schedule now; that is written down.
   *
   * @param who has submitted it
   * @param experiment {@code namespace/name}
   * @param namespaces that the experiment is of, and that its faults reach
   * @return null if nothing does
   */
  public @Nullable String obstacle(String who, String experiment, Set<String> namespaces) {
    if (tokens == null) {
      return null;
    }
    @Nullable Caller caller =
        tokens.all().stream()
            .map(ApiTokens.Grant::caller)
            .filter(one -> one.name().equals(who))
            .findFirst()
            .orElse(null);
    @Nullable String obstacle =
        caller == null
            ? "nobody named " + who + " has a good token of the API"
            : obstacle(caller, namespaces);
    if (obstacle != null && audit != null) {
      Role role = caller == null ? Role.VIEWER : caller.role();
      audit.add(
          new AuditLog.Entry(
              who,
              role,
              "",
              "SCHEDULE " + experiment,
              obstacle,
              Refusal.ROLE.status(),
              Refusal.ROLE.id()));
    }
    return obstacle;
  }

  private static @Nullable String obstacle(Caller caller, Set<String> namespaces) {
    if (!caller.role().covers(Role.OPERATOR)) {
      return "%s is %s; this is for the role operator"
          .formatted(caller.name(), caller.role().text());
    }
    return namespaces.stream()
        .filter(one -> !caller.covers(one))
        .findFirst()
        .map(
            one ->
                "%s's token is for %s, not for %s".formatted(caller.name(), covered(caller), one))
        .orElse(null);
  }

  private static String covered(Caller caller) {
    return String.join(", ", caller.namespaces().stream().sorted().toList());
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
        caller, "its token is for %s, not for %s".formatted(covered(caller), namespace));
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
