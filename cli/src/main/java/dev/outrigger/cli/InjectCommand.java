package dev.outrigger.cli;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import dev.outrigger.controlplane.inject.Injection;
import dev.outrigger.controlplane.inject.InjectionSettings;
import dev.outrigger.controlplane.inject.Injector;
import dev.outrigger.controlplane.inject.Manifests;
import dev.outrigger.controlplane.inject.Scope;
import dev.outrigger.controlplane.inject.SettingsReader;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
    name = "inject",
    description = {
      "Adds the sidecar to the manifests on standard input, exactly as the webhook does, and prints",
      "them. What is not injected is printed as it was written, and so are comments. What became of",
      "each object is told on standard error."
    },
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {
      "0:done; objects may have been left alone",
      "1:something is wrong with an object; nothing was printed",
      "2:wrong usage"
    },
    footer = {
      "",
      "Examples:",
      "  outrigger inject < checkout.yaml | kubectl apply -f -",
      "  kustomize build . | outrigger inject --explain > injected.yaml",
      "  kubectl get deploy -o yaml | outrigger inject -n shop | kubectl apply -f -",
      "  kubectl -n outrigger-system get configmap outrigger-injection \\",
      "    -o jsonpath='{.data.injection\\.yaml}' > settings.yaml",
      "  outrigger inject --settings settings.yaml < checkout.yaml     as this cluster's webhook"
    })
final class InjectCommand implements Callable<Integer> {
  @Parameters(
      arity = "0..1",
      paramLabel = "FILE",
      description = "Instead of standard input, which is also -.")
  private String file = "-";

  @Option(
      names = "--settings",
      paramLabel = "FILE",
      description = "The injection settings of a cluster; the chart's defaults unless given.")
  private @Nullable Path settingsFile;

  @Option(
      names = {"-n", "--namespace"},
      paramLabel = "NAME",
      description = "Where objects go that name no namespace.")
  private String namespace = "";

  @Option(
      names = "--explain",
      description = "Print no manifests, only what becomes of each object, on standard output.")
  private boolean explain;

  private final Terminal terminal;
  private final InputStream in;

  InjectCommand(Terminal terminal, InputStream in) {
    this.terminal = terminal;
    this.in = in;
  }

  @Override
  public Integer call() throws CommandFailedException {
    Injector injector = new Injector(settings());
    Manifests manifests = manifests();
    Map<String, Map<String, String>> namespaces = namespaces(manifests);
    boolean refused = false;
    StringBuilder out = new StringBuilder();
    for (Manifests.Document document : manifests.documents()) {
      JsonObject json = document.json();
      if (json == null) {
        out.append(document.text());
        continue;
      }
      Injection injection = injector.inject(json, named -> scope(named, namespaces));
      refused |= injection.refused();
      tell(injection);
      if (!Manifests.keeps(document, injection)) {
        terminal
            .err()
            .println(
                "warning: a document had to be written anew, without its comments, since anchors"
                    + " or merge keys lead into what is injected");
      }
      out.append(Manifests.text(document, injection));
    }
    if (refused) {
      terminal.err().println("  = help: nothing was printed; put right what is named above");
      return Main.FAILED;
    }
    if (!explain) {
      terminal.out().print(out);
    }
    return Main.OK;
  }

  private void tell(Injection injection) {
    for (Injection.Report report : injection.reports()) {
      String line =
          switch (report.outcome()) {
            case Injection.Outcome.Injected _ -> report.object() + ": injected";
            case Injection.Outcome.Left left ->
                report.object() + ": not injected, " + left.reason();
            case Injection.Outcome.Refused refused ->
                report.object()
                    + ": "
                    + String.join("\n" + report.object() + ": ", refused.problems());
          };
      (explain ? terminal.out() : terminal.err()).println(line);
      report
          .warnings()
          .forEach(
              warning -> terminal.err().println("warning: " + report.object() + ": " + warning));
    }
  }

  private Scope scope(String named, Map<String, Map<String, String>> namespaces) {
    String name = named.isEmpty() ? namespace : named;
    return new Scope(name, namespaces.getOrDefault(name, Map.of()));
  }

  /** Labels of namespaces that come along. */
  private static Map<String, Map<String, String>> namespaces(Manifests manifests) {
    Map<String, Map<String, String>> found = new HashMap<>();
    for (Manifests.Document document : manifests.documents()) {
      JsonObject json = document.json();
      if (json != null
          && json.get("kind") instanceof JsonPrimitive kind
          && kind.getAsString().equals("Namespace")
          && json.get("metadata") instanceof JsonObject metadata
          && metadata.get("name") instanceof JsonPrimitive name) {
        Map<String, String> labels = new HashMap<>();
        if (metadata.get("labels") instanceof JsonObject written) {
          for (Map.Entry<String, JsonElement> label : written.entrySet()) {
            if (label.getValue().isJsonPrimitive()) {
              labels.put(label.getKey(), label.getValue().getAsString());
            }
          }
        }
        found.put(name.getAsString(), labels);
      }
    }
    return found;
  }

  private InjectionSettings settings() throws CommandFailedException {
    Path chosen = settingsFile;
    if (chosen == null) {
      return InjectionSettings.usual();
    }
    try {
      return SettingsReader.read(Files.readString(chosen));
    } catch (IOException e) {
      throw new CommandFailedException(chosen + " cannot be read: " + e.getMessage(), "", e);
    } catch (IllegalArgumentException e) {
      throw new CommandFailedException(chosen + ": " + e.getMessage(), "", e);
    }
  }

  private Manifests manifests() throws CommandFailedException {
    String text;
    try {
      text =
          file.equals("-")
              ? new String(in.readNBytes(4 * Manifests.MAX_CHARACTERS), StandardCharsets.UTF_8)
              : Files.readString(Path.of(file));
    } catch (IOException e) {
      throw new CommandFailedException(file + " cannot be read: " + e.getMessage(), "", e);
    }
    String name = file.equals("-") ? "<stdin>" : file;
    try {
      return Manifests.parse(text);
    } catch (IllegalArgumentException e) {
      throw new CommandFailedException(
          name + ":" + e.getMessage(), "it must be YAML or JSON that kubectl takes", e);
    }
  }
}
