package internal.cognito.useradmin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** Checks that the snippets of the README are in the files that it names; the build compiles or runs all of them. */
class ReadmeTest {
  private static final Pattern SNIPPET = Pattern.compile("<!-- from (\\S+) -->\n```\\w+\n(.*?)```\n", Pattern.DOTALL);

  @Test
  void snippetsAreWhatIsRun() throws IOException {
    String readme = Files.readString(Path.of("README.md"));
    Matcher snippet = SNIPPET.matcher(readme);
    int found = 0;
    for (; snippet.find(); found++) {
      String file = Files.readString(Path.of(snippet.group(1)));
      assertTrue(
          withoutIndent(file).contains(withoutIndent(snippet.group(2))),
          snippet.group(1) + " does not have the README's\n" + snippet.group(2));
    }
    assertEquals(readme.split("```").length / 2, found, "every snippet names its file");
  }

  private static String withoutIndent(String text) {
    return text.lines().map(String::strip).collect(Collectors.joining("\n"));
  }
}
