package dev.outrigger.controlplane.source;

import dev.outrigger.controlplane.model.Experiment;
import dev.outrigger.controlplane.source.FolderReading.Content;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The texts of experiments that are files of a folder. */
public final class FolderExperiments {
  private FolderExperiments() {}

  /**
   * One YAML document as it is written now.
   *
   * @param key {@code namespace/name}
   * @return null where there is none that can be read
   */
  public static @Nullable String text(Path folder, String key) {
    String name = key.substring(key.indexOf('/') + 1);
    for (Path file : YamlFiles.under(List.of(folder)).files().values()) {
      if (!(YamlFiles.read(file) instanceof Content.Text(String text)) || !text.contains(name)) {
        continue;
      }
      for (String document : Analysis.documents(text)) {
        for (Experiment one : Analysis.ofText(file.toString(), document).state().experiments()) {
          if (key.equals(one.meta().namespace() + "/" + one.meta().name())) {
            return document;
          }
        }
      }
    }
    return null;
  }
}
