using System.Security.Cryptography;
using System.Text;
using GemmaScope.Files;
using GemmaScope.Text;

namespace GemmaScope.Verification;

/// <summary>Compares a real vocabulary with what <c>expected.json</c> says of it: sizes, ids, digests of pieces and merges.</summary>
internal sealed class VocabularyDescription(string folder, string family, JsonSection expected)
{
    public IEnumerable<Check> Run(JsonTokenizer tokenizer)
    {
        var pieces = Digest(Enumerable.Range(0, tokenizer.BaseVocabularySize).Select(id => $"{id}\t{Quote(tokenizer.Piece(id))}\n"));
        var merges = Digest(
            tokenizer.Merges.InOrder().Select(m => $"{Quote(tokenizer.Piece(m.Left))}\t{Quote(tokenizer.Piece(m.Right))}\n")
        );
        var same = pieces == expected.Text("vocab_sha256") && merges == expected.Text("merges_sha256");
        yield return CheckFile(tokenizer.File, same);
        yield return Check.That($"{family} vocab_sha256", pieces == expected.Text("vocab_sha256"));
        yield return Check.That($"{family} merges_sha256", merges == expected.Text("merges_sha256"));
        yield return CheckSizes(tokenizer);
        yield return CheckIds(tokenizer);
        if (expected.Section("goldens") is { } counts)
            yield return CheckCounts(counts);
    }

    // The hub has the same vocabulary in files that are written differently.
    private Check CheckFile(string file, bool sameVocabulary)
    {
        var name = $"{family} sha256 of tokenizer.json";
        if (VocabularyFinder.Sha256(file) == expected.Section("source")?.Text("tokenizer_json_sha256"))
            return Check.That(name, true);
        return sameVocabulary
            ? Check.Skip(name, $"{file} is another edition of this vocabulary: its pieces and merges are the same, its bytes are not")
            : Check.That(name, false, $"{file} is another vocabulary");
    }

    private Check CheckSizes(JsonTokenizer tokenizer)
    {
        var tally = new Tally($"{family} sizes");
        tally.Compare("vocab_size", tokenizer.BaseVocabularySize, expected.Integer("vocab_size"));
        tally.Compare("vocab_size_with_added", tokenizer.VocabularySize, expected.Integer("vocab_size_with_added"));
        tally.Compare("merges", tokenizer.Merges.Count, expected.Integer("merges"));
        if (expected.Section("added_tokens") is { } added)
            tally.Compare("added tokens", tokenizer.AddedTokens.Count, added.Integer("count"));
        return tally.ToCheck();
    }

    private Check CheckIds(JsonTokenizer tokenizer)
    {
        var tally = new Tally($"{family} ids of pieces");
        foreach (var name in (string[])["special_ids", "yes_no", "flagged_special"])
        {
            if (expected.Section(name) is not { } ids)
                continue;
            foreach (var piece in ids.Keys)
                tally.Compare(piece, tokenizer.Id(piece), ids.Integer(piece));
        }
        if (expected.Section("flagged_special") is { } special)
            tally.CompareAll(
                "special tokens",
                [.. Enumerable.Range(0, tokenizer.VocabularySize).Where(tokenizer.IsSpecial)],
                [.. special.Keys.Select(piece => special.Integer(piece)!.Value).Order()]
            );
        if (expected.Section("samples") is { } samples)
            foreach (var id in samples.Keys)
                tally.Compare(id, int.TryParse(id, out var known) ? tokenizer.Piece(known) : null, samples.Text(id));
        if (expected.Integers("byte_ids") is { } bytes)
            tally.CompareAll("byte pieces", tokenizer.Vocabulary.ByteIds, bytes);
        return tally.ToCheck();
    }

    private Check CheckCounts(JsonSection counts)
    {
        var tally = new Tally($"{family} number of lines");
        foreach (var (name, key) in new[] { (family, "cases"), ($"{family}-decode", "decode_cases") })
            if (JsonLines.Find(folder, name) is { } file)
                tally.Compare(name, JsonLines.Read(file).Count(), counts.Integer(key));
        return tally.ToCheck();
    }

    private static string Digest(IEnumerable<string> lines)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var line in lines)
            hash.AppendData(Encoding.ASCII.GetBytes(line));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>A JSON string in pure ASCII, as Python writes it.</summary>
    private static string Quote(string text)
    {
        var quoted = new StringBuilder("\"");
        foreach (var c in text)
        {
            _ = c switch
            {
                '"' or '\\' => quoted.Append('\\').Append(c),
                '\n' => quoted.Append("\\n"),
                '\r' => quoted.Append("\\r"),
                '\t' => quoted.Append("\\t"),
                '\b' => quoted.Append("\\b"),
                '\f' => quoted.Append("\\f"),
                < ' ' or > '~' => quoted.Append($"\\u{(int)c:x4}"),
                _ => quoted.Append(c),
            };
        }
        return quoted.Append('"').ToString();
    }
}
