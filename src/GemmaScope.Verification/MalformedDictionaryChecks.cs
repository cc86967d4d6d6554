using GemmaScope.Dictionaries;
using GemmaScope.Files;

namespace GemmaScope.Verification;

/// <summary>Malformed dictionaries: refused with a message that says the problem, loaded with a warning, or valid after all.</summary>
internal static class MalformedDictionaryChecks
{
    private static readonly char[] Separators = [' ', ',', ':', ';', '(', ')', '[', ']', '\'', '"', '='];

    public static IEnumerable<Check> Verify(string folder)
    {
        foreach (var entry in JsonFile.ReadList(Path.Combine(folder, "malformed", "expected.json")))
        {
            var path = entry.Text("path") ?? throw entry.Missing("path");
            var problem = entry.Text("problem") ?? "";
            var name = path.StartsWith("malformed/", StringComparison.Ordinal) ? path["malformed/".Length..] : path;
            var must = entry.Text("must") ?? throw entry.Missing("must");
            var (outcome, said) = Try(Path.Combine(folder, path));
            // A warning is a successful load that says something.
            var right = outcome == (must == "warn" ? "load" : must);
            var missing = must == "load" ? [] : Facts(problem).Where(fact => !said.Contains(fact, StringComparison.Ordinal)).ToArray();
            yield return Check.That(
                name,
                right && missing.Length == 0 && (must == "load" || said.Length > 0),
                !right ? $"{outcome} instead of {must}: {said}"
                    : missing.Length > 0 ? $"does not say {string.Join(", ", missing)}: {said}"
                    : said
            );
        }
    }

    /// <summary>Every kind of failure is caught: that a malformed file must not crash the reader is what is checked.</summary>
    private static (string Outcome, string Said) Try(string path)
    {
        // Not to be mistaken for a refusal.
        if (!Path.Exists(path))
            return ("missing", "there is no such file");
        try
        {
            using var dictionary = SparseDictionary.Load(path, new DictionaryLoadOptions { CheckWeights = true });
            return ("load", string.Join("; ", dictionary.Warnings));
        }
        catch (GemmaScopeException problem)
        {
            var where = problem.Location is { } location ? location + ": " : "";
            return (
                "raise",
                problem.Message.StartsWith(where, StringComparison.Ordinal) ? problem.Message[where.Length..] : problem.Message
            );
        }
        catch (Exception problem)
        {
            return ("crash", $"{problem.GetType().Name}: {problem.Message}");
        }
    }

    /// <summary>Names and numbers of the expected message: what a user needs to find the place. Words may differ.</summary>
    private static IEnumerable<string> Facts(string problem)
    {
        var quoted = problem.Split('\'').Where((_, i) => i % 2 == 1);
        var words = problem
            .Split(Separators, StringSplitOptions.RemoveEmptyEntries)
            .Where(word => word.Contains('_', StringComparison.Ordinal) || word.Any(char.IsAsciiDigit));
        return quoted.Concat(words).Distinct();
    }
}
