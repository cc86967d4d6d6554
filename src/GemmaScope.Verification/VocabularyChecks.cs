using GemmaScope.Files;
using GemmaScope.Text;

namespace GemmaScope.Verification;

/// <summary>The checks of one real vocabulary: the golden lines, and the description in <c>expected.json</c>.</summary>
internal sealed class VocabularyChecks(string folder, string family)
{
    public IEnumerable<Check> Run(VerifyOptions options)
    {
        if (VocabularyFinder.Find(family, folder, options) is not { } file)
        {
            yield return VocabularyFinder.Missing($"{family} vocabulary", family);
            yield break;
        }
        var tokenizer = (JsonTokenizer)Tokenizer.Load(file);
        var description = Path.Combine(folder, "expected.json");
        if (File.Exists(description) && JsonFile.Read(description).Section(family) is { } expected)
            foreach (var check in new VocabularyDescription(folder, family, expected).Run(tokenizer))
                yield return check;
        if (JsonLines.Find(folder, family) is { } texts)
            foreach (var check in CheckTexts(JsonLines.Read(texts), tokenizer))
                yield return check;
        if (JsonLines.Find(folder, $"{family}-decode") is { } decode)
            foreach (var check in CheckDecode(JsonLines.Read(decode), tokenizer))
                yield return check;
    }

    private IEnumerable<Check> CheckTexts(IEnumerable<JsonSection> lines, JsonTokenizer tokenizer)
    {
        var (ids, decoded) = (new Tally($"{family} ids"), new Tally($"{family} decoded"));
        foreach (var line in lines)
        {
            var want = line.Integers("ids") ?? throw line.Missing("ids");
            ids.CompareAll(line.File, tokenizer.Encode(line.Text("text") ?? throw line.Missing("text")), want);
            decoded.Compare(line.File, tokenizer.Decode([.. want]), line.Text("decoded"));
        }
        return [ids.ToCheck(), decoded.ToCheck()];
    }

    private IEnumerable<Check> CheckDecode(IEnumerable<JsonSection> lines, JsonTokenizer tokenizer)
    {
        Tally decoded = new($"{family}-decode decoded"),
            skipped = new($"{family}-decode decoded_skip_special"),
            prefixes = new($"{family}-decode prefixes"),
            streamed = new($"{family}-decode streamed");
        foreach (var line in lines)
        {
            int[] ids = [.. line.Integers("ids") ?? throw line.Missing("ids")];
            decoded.Compare(line.File, tokenizer.Decode(ids), line.Text("decoded"));
            skipped.Compare(line.File, tokenizer.Decode(ids, skipSpecial: true), line.Text("decoded_skip_special"));
            var stream = tokenizer.CreateStream();
            streamed.Compare(line.File, string.Concat(ids.Select(stream.Append)) + stream.Flush(), line.Text("decoded"));
            if (line.Texts("prefixes") is { } want)
                prefixes.CompareAll(line.File, [.. Enumerable.Range(1, ids.Length).Select(n => tokenizer.Decode(ids.AsSpan(0, n)))], want);
        }
        return [decoded.ToCheck(), skipped.ToCheck(), prefixes.ToCheck(), streamed.ToCheck()];
    }
}
