package dev.outrigger.controlplane.kubernetes;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * What the proxies of one replica have acknowledged and refused. Immutable. As text it is bounded
 * however many proxies there are: names beyond a few are counted.
 *
 * @param replica its name
 * @param proxies how many are connected to it
 * @param injecting how many of them can inject faults
 * @param had the versions of objects that all of them have answered for
 * @param told the versions that those have answered for who are not behind
 * @param behind who has not answered for {@code told} yet
 * @param refusals what was refused, by resource and reason
 * @param unlisted how many refusals there are besides
 * @param meshed workloads that people wrote down and whose own proxies are connected
 * @param isMeshedWhole whether these are all
 */
record Acknowledgements(
    String replica,
    int proxies,
    int injecting,
    ObjectVersions had,
    ObjectVersions told,
    Names behind,
    List<Refusal> refusals,
    int unlisted,
    Set<String> meshed,
    boolean isMeshedWhole) {
  /** Written beside the member of each version of this text. */
  private static final int FORMAT = 1;

  private static final int MAX_NAMES = 5;
  private static final int MAX_REASON = 300;

  /** Of names and reasons: some replicas' texts must fit into one object of the API server. */
  static final int MAX_CHARS = 40_000;

  Acknowledgements {
    refusals = List.copyOf(refusals);
    meshed = Set.copyOf(meshed);
  }

  /**
   * Proxies.
   *
   * @param some of them by name
   * @param others how many there are besides
   */
  record Names(List<String> some, int others) {
    static final Names NONE = new Names(List.of(), 0);

    Names {
      some = List.copyOf(some);
    }

    boolean isEmpty() {
      return some.isEmpty() && others == 0;
    }

    private Names few() {
      List<String> few = some.subList(0, Math.min(MAX_NAMES, some.size()));
      return new Names(few, others + some.size() - few.size());
    }

    private int length() {
      return some.stream().mapToInt(name -> name.length() + 3).sum();
    }

    private JsonObject json() {
      JsonObject json = new JsonObject();
      JsonArray names = new JsonArray();
      some.forEach(names::add);
      json.add("some", names);
      json.addProperty("others", others);
      return json;
    }

    private static Names of(JsonObject json) {
      return new Names(texts(json, "some"), json.get("others").getAsInt());
    }
  }

  /**
   * One resource that was refused for one reason.
   *
   * @param type the type's URL
   * @param by who refused it
   */
  record Refusal(String type, String resource, String reason, Names by) {
    private int length() {
      return type.length() + resource.length() + reason.length() + by.length() + 80;
    }
  }

  /** Of a replica that has nothing, and of which nothing else is known. */
  static Acknowledgements unknown(String replica) {
    return new Acknowledgements(
        replica,
        0,
        0,
        ObjectVersions.NONE,
        ObjectVersions.NONE,
        Names.NONE,
        List.of(),
        0,
        Set.of(),
        true);
  }

  /** For the other replicas. */
  String toJson() {
    JsonObject json = new JsonObject();
    json.addProperty("format", FORMAT);
    json.addProperty("proxies", proxies);
    json.addProperty("injecting", injecting);
    json.addProperty("had", had.text());
    if (!told.equals(had)) {
      json.addProperty("told", told.text());
    }
    json.add("behind", behind.few().json());
    int room = MAX_CHARS;
    JsonArray listed = new JsonArray();
    for (Refusal one : refusals) {
      String reason = one.reason();
      Refusal few =
          new Refusal(
              one.type(),
              one.resource(),
              reason.length() <= MAX_REASON ? reason : reason.substring(0, MAX_REASON) + "…",
              one.by().few());
      room -= few.length();
      if (room < 0) {
        break;
      }
      JsonObject refusal = few.by().json();
      refusal.addProperty("type", few.type());
      refusal.addProperty("resource", few.resource());
      refusal.addProperty("reason", few.reason());
      listed.add(refusal);
    }
    json.add("refusals", listed);
    json.addProperty("unlisted", unlisted + refusals.size() - listed.size());
    JsonArray own = new JsonArray();
    for (String workload : meshed.stream().sorted().toList()) {
      room -= workload.length() + 3;
      if (room < 0) {
        break;
      }
      own.add(workload);
    }
    json.add("meshed", own);
    json.addProperty("meshedWhole", isMeshedWhole && own.size() == meshed.size());
    return json.toString();
  }

  /**
   * Reads {@link #toJson}.
   *
   * @throws IllegalArgumentException if it is none, or of a version that says it otherwise
   */
  static Acknowledgements parse(String replica, String text) {
    try {
      JsonObject json = JsonParser.parseString(text).getAsJsonObject();
      if (json.get("format").getAsInt() != FORMAT) {
        throw new IllegalArgumentException("another format: " + json.get("format"));
      }
      ObjectVersions had = ObjectVersions.parse(json.get("had").getAsString());
      List<Refusal> refusals = new ArrayList<>();
      for (JsonElement one : json.getAsJsonArray("refusals")) {
        JsonObject refusal = one.getAsJsonObject();
        refusals.add(
            new Refusal(
                refusal.get("type").getAsString(),
                refusal.get("resource").getAsString(),
                refusal.get("reason").getAsString(),
                Names.of(refusal)));
      }
      return new Acknowledgements(
          replica,
          json.get("proxies").getAsInt(),
          json.get("injecting").getAsInt(),
          had,
          json.has("told") ? ObjectVersions.parse(json.get("told").getAsString()) : had,
          Names.of(json.getAsJsonObject("behind")),
          refusals,
          json.get("unlisted").getAsInt(),
          new HashSet<>(texts(json, "meshed")),
          json.get("meshedWhole").getAsBoolean());
    } catch (JsonParseException
        | IllegalStateException
        | NullPointerException
        | ClassCastException
        | UnsupportedOperationException e) {
      throw new IllegalArgumentException("not what a replica says: " + text, e);
    }
  }

  private static List<String> texts(JsonObject json, String member) {
    List<String> texts = new ArrayList<>();
    json.getAsJsonArray(member).forEach(one -> texts.add(one.getAsString()));
    return texts;
  }
}
