package dev.outrigger.e2e.kubernetes;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/** What an account may by its roles, and what it asked for by the audit log. */
final class Rights {
  private Rights() {}

  /**
   * One verb of one resource.
   *
   * @param resource with its subresource behind a slash
   * @param name of the only object; empty for all
   * @param namespace the only one; empty for all
   */
  record Right(String group, String resource, String verb, String name, String namespace)
      implements Comparable<Right> {
    boolean covers(Asked asked) {
      return group.equals(asked.group())
          && resource.equals(asked.resource())
          && verb.equals(asked.verb())
          && (name.isEmpty() || name.equals(asked.name()))
          && (namespace.isEmpty() || namespace.equals(asked.namespace()));
    }

    @Override
    public int compareTo(Right other) {
      return toString().compareTo(other.toString());
    }

    @Override
    public String toString() {
      return "%s %s%s%s%s"
          .formatted(
              verb,
              resource,
              group.isEmpty() ? "" : "." + group,
              name.isEmpty() ? "" : " " + name,
              namespace.isEmpty() ? "" : " in " + namespace);
    }
  }

  /** A request for a resource, with the answer's status. */
  record Asked(
      String group, String resource, String verb, String name, String namespace, int status) {}

  /** What all roles that are bound to a service account grant, one verb of one resource each. */
  static Set<Right> granted(KubeApi kube, String namespace, String account)
      throws IOException, InterruptedException {
    Set<Right> rights = new TreeSet<>();
    for (JsonObject binding : items(kube, "clusterrolebindings,rolebindings")) {
      if (!binds(binding, namespace, account)) {
        continue;
      }
      JsonObject role = binding.getAsJsonObject("roleRef");
      String within = text(binding.getAsJsonObject("metadata"), "namespace");
      List<String> get =
          new ArrayList<>(List.of("get", text(role, "kind"), text(role, "name"), "-o", "json"));
      if (!within.isEmpty()) {
        get.addAll(List.of("-n", within));
      }
      JsonObject found =
          JsonParser.parseString(kube.must(get.toArray(String[]::new))).getAsJsonObject();
      for (JsonElement rule : found.getAsJsonArray("rules")) {
        expand(rule.getAsJsonObject(), within, rights);
      }
    }
    return rights;
  }

  private static boolean binds(JsonObject binding, String namespace, String account) {
    if (!binding.has("subjects")) {
      return false;
    }
    for (JsonElement one : binding.getAsJsonArray("subjects")) {
      JsonObject subject = one.getAsJsonObject();
      if (text(subject, "kind").equals("ServiceAccount")
          && text(subject, "name").equals(account)
          && text(subject, "namespace").equals(namespace)) {
        return true;
      }
    }
    return false;
  }

  private static void expand(JsonObject rule, String namespace, Set<Right> rights) {
    if (rule.has("nonResourceURLs")) {
      throw new AssertionError("nobody asked for this: " + rule);
    }
    for (String group : texts(rule, "apiGroups")) {
      for (String resource : texts(rule, "resources")) {
        for (String verb : texts(rule, "verbs")) {
          if (List.of(group, resource, verb).contains("*")) {
            throw new AssertionError("no right is to be for everything: " + rule);
          }
          List<String> names =
              rule.has("resourceNames") ? texts(rule, "resourceNames") : List.of("");
          for (String name : names) {
            rights.add(new Right(group, resource, verb, name, namespace));
          }
        }
      }
    }
  }

  /** What was asked for; an object that server-side apply made was created, too. */
  static List<Asked> asked(List<String> audit) {
    List<Asked> all = new ArrayList<>();
    for (String line : audit) {
      JsonObject event = JsonParser.parseString(line).getAsJsonObject();
      JsonObject object = event.getAsJsonObject("objectRef");
      if (object == null || !object.has("resource")) {
        continue; // Discovery and health, which every account may see.
      }
      String below = text(object, "subresource");
      int status =
          event.has("responseStatus")
              ? event.getAsJsonObject("responseStatus").get("code").getAsInt()
              : 0;
      Asked asked =
          new Asked(
              text(object, "apiGroup"),
              text(object, "resource") + (below.isEmpty() ? "" : "/" + below),
              text(event, "verb"),
              text(object, "name"),
              text(object, "namespace"),
              status);
      all.add(asked);
      if (asked.verb().equals("patch") && status == 201) {
        all.add(
            new Asked(
                asked.group(),
                asked.resource(),
                "create",
                asked.name(),
                asked.namespace(),
                status));
      }
    }
    return all;
  }

  private static List<JsonObject> items(KubeApi kube, String kinds)
      throws IOException, InterruptedException {
    List<JsonObject> items = new ArrayList<>();
    JsonArray all =
        JsonParser.parseString(kube.must("get", kinds, "-A", "-o", "json"))
            .getAsJsonObject()
            .getAsJsonArray("items");
    all.forEach(item -> items.add(item.getAsJsonObject()));
    return items;
  }

  private static String text(JsonObject object, String name) {
    return object.has(name) ? object.get(name).getAsString() : "";
  }

  private static List<String> texts(JsonObject object, String name) {
    List<String> texts = new ArrayList<>();
    object.getAsJsonArray(name).forEach(one -> texts.add(one.getAsString()));
    return texts;
  }
}
