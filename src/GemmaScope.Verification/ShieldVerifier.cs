using System.Security.Cryptography;
using System.Text;
using GemmaScope.Files;
using GemmaScope.Safety;
using GemmaScope.Text;

namespace GemmaScope.Verification;

/// <summary>
/// Checks a folder of ShieldGemma prompts (<c>prompts.jsonl</c>, <c>expected.json</c>): templates, guidelines and prompts to the byte, the
/// score
/// of two logits, and ids where the vocabulary is on this machine.
/// </summary>
public sealed class ShieldVerifier : IVerifier
{
    /// <inheritdoc/>
    public string Form => "shieldgemma";

    /// <inheritdoc/>
    public bool Recognizes(string folder) =>
        File.Exists(ExpectedFile(folder))
        && JsonLines.Find(folder, "prompts") is { } prompts
        && JsonLines.Has(prompts, "form", "policy", "use_case", "prompt");

    /// <inheritdoc/>
    public IEnumerable<Check> Verify(string folder, VerifyOptions options)
    {
        var expected = JsonFile.Read(ExpectedFile(folder));
        yield return Templates(expected.Section("templates") ?? throw expected.Missing("templates"));
        yield return Guidelines(expected.Section("policies") ?? throw expected.Missing("policies"));
        yield return Score(expected.Section("score")?.Section("reference") ?? throw expected.Missing("score.reference"));

        var prompts = JsonLines.Read(JsonLines.Find(folder, "prompts")!).ToArray();
        yield return Prompts(prompts, expected.Integer("rows"));
        var vocabulary = VocabularyFinder.Find("gemma2", folder, options);
        yield return vocabulary is null ? VocabularyFinder.Missing("prompts ids", "gemma2") : Ids(prompts, Tokenizer.Load(vocabulary));
        var words = expected.Section("yes_no_ids") ?? throw expected.Missing("yes_no_ids");
        foreach (var family in words.Keys)
            yield return VocabularyFinder.Find(family, folder, options) is { } file
                ? Words(family, words.Section(family)!, Tokenizer.Load(file))
                : VocabularyFinder.Missing($"{family} Yes and No", family);
    }

    private static string ExpectedFile(string folder) => Path.Combine(folder, "expected.json");

    private static Check Templates(JsonSection templates)
    {
        var tally = new Tally("templates");
        foreach (var name in templates.Keys)
        {
            var (want, got) = (templates.Section(name)!, ShieldTemplate.Find(name));
            Text(tally, $"{name} prompt_only", got.PromptOnly, want.Section("prompt_only") ?? throw want.Missing("prompt_only"));
            if (want.Section("prompt_response") is { } response)
                Text(tally, $"{name} prompt_response", got.PromptResponse ?? "", response);
            else
                tally.Compare($"{name} prompt_response", got.PromptResponse, null);
            tally.Compare($"{name} strips", got.StripsUserText, want.Flag("strip_user_text") ?? throw want.Missing("strip_user_text"));
        }
        return tally.ToCheck();
    }

    private static Check Guidelines(JsonSection policies)
    {
        var tally = new Tally("guidelines");
        foreach (var key in policies.Keys)
        {
            var (want, got) = (policies.Section(key)!, ShieldPolicy.Find(key));
            Text(tally, $"{key} prompt_only", got.PromptLine, want.Section("prompt_only") ?? throw want.Missing("prompt_only"));
            Text(
                tally,
                $"{key} prompt_response",
                got.ResponseLine,
                want.Section("prompt_response") ?? throw want.Missing("prompt_response")
            );
        }
        return tally.ToCheck();
    }

    private static Check Score(JsonSection reference)
    {
        var gap = reference.Number("logit_gap") ?? throw reference.Missing("logit_gap");
        var tolerance = reference.Number("tolerance") ?? throw reference.Missing("tolerance");
        var got = ShieldGemma.Probability((float)gap, 0);
        return Check.Within(
            "score of a logit gap",
            ((string[])["published", "float64"]).Max(key => Math.Abs(got - (reference.Number(key) ?? throw reference.Missing(key)))),
            tolerance
        );
    }

    private static Check Prompts(JsonSection[] prompts, int? rows)
    {
        var tally = new Tally("prompts");
        if (rows is { } count)
            tally.Compare("rows", prompts.Length, count);
        foreach (var line in prompts)
        {
            var text = ShieldTemplate
                .Find(Required(line, "form"))
                .Render(ShieldPolicy.Find(Required(line, "policy")), Required(line, "user"), line.Text("model"));
            tally.Compare(line.File, text, Required(line, "prompt"));
            tally.Compare($"{line.File} sha256", Hash(text), Required(line, "sha256"));
        }
        return tally.ToCheck();
    }

    private static Check Ids(JsonSection[] prompts, Tokenizer tokenizer)
    {
        var tally = new Tally("prompts ids");
        foreach (var line in prompts)
            tally.CompareAll(line.File, tokenizer.Encode(Required(line, "prompt")), line.Integers("ids") ?? throw line.Missing("ids"));
        return tally.ToCheck();
    }

    private static Check Words(string family, JsonSection words, Tokenizer tokenizer)
    {
        var tally = new Tally($"{family} Yes and No");
        foreach (var word in words.Keys)
        {
            tally.Compare(word, tokenizer.Id(word), words.Integer(word));
            tally.CompareAll($"{word} encoded", tokenizer.Encode(word), [words.Integer(word)!.Value]);
        }
        return tally.ToCheck();
    }

    private static void Text(Tally tally, string where, string got, JsonSection want)
    {
        tally.Compare(where, got, Required(want, "text"));
        tally.Compare($"{where} sha256", Hash(got), Required(want, "sha256"));
    }

    private static string Required(JsonSection section, string key) => section.Text(key) ?? throw section.Missing(key);

    private static string Hash(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
}
