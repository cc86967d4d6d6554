using System.Text.Json;
using System.Text.RegularExpressions;
using GemmaScope.Files;
using GemmaScope.Text;

namespace GemmaScope.Verification;

/// <summary>
/// Checks chat fixtures (<c>gemma2-it</c>, <c>gemma3-it</c>): texts and errors always, ids where the vocabulary is on this machine. Those of
/// Gemma 4 (<c>gemma4-it</c>) have both forms of its template, thoughts and tools, and no ids.
/// </summary>
public sealed partial class ChatVerifier : IVerifier
{
    /// <inheritdoc/>
    public string Form => "chat";

    /// <inheritdoc/>
    public bool Recognizes(string folder) => Families(folder).Any();

    /// <inheritdoc/>
    public IEnumerable<Check> Verify(string folder, VerifyOptions options)
    {
        foreach (var family in Families(folder))
        {
            var file = JsonLines.Find(folder, $"{family}-it")!;
            if (family == "gemma4")
            {
                foreach (var check in Gemma4ChatChecks.Run(folder, file))
                    yield return check;
                continue;
            }
            foreach (var check in CheckTexts(family, file))
                yield return check;
            yield return VocabularyFinder.Find(family, folder, options) is { } vocabulary
                ? CheckIds(family, file, Tokenizer.Load(vocabulary))
                : VocabularyFinder.Missing($"{family}-it ids", family);
        }
    }

    private static IEnumerable<Check> CheckTexts(string family, string file)
    {
        var template = ChatTemplate.ForModelType(family);
        var (texts, errors) = (new Tally($"{family}-it text"), new Tally($"{family}-it error"));
        foreach (var line in JsonLines.Read(file))
        {
            var (text, error) = Render(template, line);
            (line.Has("error") ? errors : texts).Compare(line.File, text ?? error, line.Text("error") ?? line.Text("text"));
        }
        // A small set may have no conversation that is an error, or only such.
        foreach (var tally in (Tally[])[texts, errors])
            if (!tally.IsEmpty)
                yield return tally.ToCheck();
    }

    private static (string? Text, string? Error) Render(ChatTemplate template, JsonSection line)
    {
        var system = line.Text("system") == "fold" ? SystemHandling.Fold : SystemHandling.Reject;
        try
        {
            return (template.Render(Messages(line), line.Flag("add_generation_prompt") ?? false, system), null);
        }
        catch (ArgumentProblemException problem)
        {
            return (null, problem.Message);
        }
    }

    private static Check CheckIds(string family, string file, Tokenizer tokenizer)
    {
        var tally = new Tally($"{family}-it ids");
        foreach (var line in JsonLines.Read(file))
            if (line.Integers("ids") is { } ids)
                tally.CompareAll(line.File, tokenizer.Encode(line.Text("text") ?? throw line.Missing("text")), ids);
        return tally.IsEmpty ? Check.Skip($"{family}-it ids", "no line has ids") : tally.ToCheck();
    }

    private static List<ChatMessage> Messages(JsonSection line)
    {
        if (!line.Element.TryGetProperty("messages", out var list) || list.ValueKind != JsonValueKind.Array)
            throw line.Missing("messages");
        return [.. list.EnumerateArray().Select(message => Message(Section(line, message)))];
    }

    private static ChatMessage Message(JsonSection message)
    {
        var role = message.Text("role") ?? throw message.Missing("role");
        if (!message.Element.TryGetProperty("content", out var content))
            throw message.Missing("content");
        return content.ValueKind == JsonValueKind.Array
            ? new(role, [.. content.EnumerateArray().Select(part => Part(Section(message, part)))])
            : new(role, message.Text("content") ?? throw message.Missing("content"));
    }

    private static JsonSection Section(JsonSection parent, JsonElement value) =>
        value.ValueKind == JsonValueKind.Object ? new(parent.File, "messages.", value) : throw parent.Bad("messages", "must hold objects");

    private static ChatPart Part(JsonSection part) => new(part.Text("type") ?? throw part.Missing("type"), part.Text("text"));

    private static IEnumerable<string> Families(string folder) =>
        JsonLines.Names(folder).Select(name => FileName().Match(name)).Where(match => match.Success).Select(match => match.Groups[1].Value);

    [GeneratedRegex(@"^(gemma[234])-it$")]
    private static partial Regex FileName();
}
