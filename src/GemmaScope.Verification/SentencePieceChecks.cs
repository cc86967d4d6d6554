using System.Security.Cryptography;
using GemmaScope.Files;
using GemmaScope.Text;

namespace GemmaScope.Verification;

/// <summary>The checks of one SentencePiece model: its contents, its text to tokens, its tokens to text.</summary>
internal sealed class SentencePieceChecks(string folder)
{
    public IEnumerable<Check> Run(VerifyOptions options)
    {
        var description = Path.Combine(folder, "expected.json");
        var expected = File.Exists(description) ? JsonFile.Read(description) : null;
        if (FindModel(expected, options) is not { } file)
        {
            yield return Check.Skip(
                "tokenizer.model",
                "the folder has goldens only, and its model is not here",
                new Remedy($"name the folder it is in with {VocabularyFinder.Setting}")
            );
            yield break;
        }
        var tokenizer = (SentencePieceTokenizer)Tokenizer.Load(file);
        if (expected is not null)
            foreach (var check in CheckDescription(expected, tokenizer))
                yield return check;
        if (JsonLines.Find(folder, "pieces") is { } pieces)
            yield return CheckPieces(JsonLines.Read(pieces), tokenizer);
        if (JsonLines.Find(folder, "goldens") is { } goldens)
            foreach (var check in CheckTexts(JsonLines.Read(goldens), tokenizer))
                yield return check;
        if (JsonLines.Find(folder, "decode") is { } decode)
            yield return CheckDecode(JsonLines.Read(decode), tokenizer);
    }

    private string? FindModel(JsonSection? expected, VerifyOptions options)
    {
        var own = Path.Combine(folder, "tokenizer.model");
        if (File.Exists(own))
            return own;
        return expected?.Text("sha256") is { } sha256 ? VocabularyFinder.FindModel(sha256, options) : null;
    }

    private IEnumerable<Check> CheckDescription(JsonSection expected, SentencePieceTokenizer tokenizer)
    {
        var model = tokenizer.Model;
        if (expected.Text("sha256") is { } sha256)
            yield return Check.That("sha256 of tokenizer.model", VocabularyFinder.Sha256(tokenizer.File) == sha256);
        if (expected.Section("types") is { } types)
        {
            var counts = new Tally("number of pieces by type");
            foreach (var name in types.Keys)
                counts.Compare(name, model.Kinds.Count(kind => NameOf(kind) == name), types.Integer(name));
            yield return counts.ToCheck();
        }
        if (expected.Section("trainer") is { } trainer)
            yield return CheckTrainer(trainer, model);
        if (expected.Section("normalizer") is { } normalizer)
            yield return CheckNormalizer(normalizer, model);
        foreach (var name in (string[])["goldens", "decode"])
            if (expected.Integer(name) is { } count && JsonLines.Find(folder, name) is { } lines)
                yield return Check.That($"number of {name} lines", JsonLines.Read(lines).Count() == count);
    }

    private static Check CheckTrainer(JsonSection expected, SentencePieceModel model)
    {
        var tally = new Tally("trainer settings");
        tally.Compare("model_type", model.Algorithm.ToString().ToUpperInvariant(), expected.Text("model_type"));
        tally.Compare("vocab_size", model.VocabularySize, expected.Integer("vocab_size"));
        tally.Compare("byte_fallback", model.ByteFallback, expected.Flag("byte_fallback"));
        tally.Compare("split_digits", model.SplitDigits, expected.Flag("split_digits"));
        tally.Compare("treat_whitespace_as_suffix", model.SpaceAsSuffix, expected.Flag("treat_whitespace_as_suffix"));
        tally.CompareAll(
            "ids of unk, bos, eos, pad",
            new int?[] { model.UnkId, model.BosId, model.EosId, model.PadId },
            [expected.Integer("unk_id"), expected.Integer("bos_id"), expected.Integer("eos_id"), expected.Integer("pad_id")]
        );
        tally.CompareAll(
            "pieces of unk, bos, eos, pad",
            new string?[] { model.UnkPiece, model.BosPiece, model.EosPiece, model.PadPiece },
            [expected.Text("unk_piece"), expected.Text("bos_piece"), expected.Text("eos_piece"), expected.Text("pad_piece")]
        );
        tally.Compare("unk_surface", model.UnkSurface, expected.Text("unk_surface"));
        return tally.ToCheck();
    }

    private static Check CheckNormalizer(JsonSection expected, SentencePieceModel model)
    {
        var tally = new Tally("normaliser settings");
        tally.Compare("name", model.NormalizerName, expected.Text("name"));
        tally.Compare("add_dummy_prefix", model.AddDummyPrefix, expected.Flag("add_dummy_prefix"));
        tally.Compare("remove_extra_whitespaces", model.RemoveExtraSpaces, expected.Flag("remove_extra_whitespaces"));
        tally.Compare("escape_whitespaces", model.EscapeSpaces, expected.Flag("escape_whitespaces"));
        tally.Compare(
            "sha256 of the character map",
            Convert.ToHexStringLower(SHA256.HashData(model.CharacterMap)),
            expected.Text("precompiled_charsmap_sha256")
        );
        return tally.ToCheck();
    }

    private static Check CheckPieces(IEnumerable<JsonSection> lines, SentencePieceTokenizer tokenizer)
    {
        var tally = new Tally("pieces: id, piece, score, type");
        var id = 0;
        foreach (var line in lines)
        {
            if (id < tokenizer.VocabularySize)
                tally.Compare(
                    $"piece {id}",
                    (id, tokenizer.Piece(id), tokenizer.Model.Scores[id], NameOf(tokenizer.Model.Kinds[id])).ToString(),
                    (line.Integer("id"), line.Text("piece"), (float?)line.Number("score"), line.Text("type")).ToString()
                );
            id++;
        }
        tally.Compare("number of pieces", tokenizer.VocabularySize, id);
        return tally.ToCheck();
    }

    private static IEnumerable<Check> CheckTexts(IEnumerable<JsonSection> lines, SentencePieceTokenizer tokenizer)
    {
        var (normalized, ids, pieces, decoded) = (
            new Tally("normalized"),
            new Tally("ids"),
            new Tally("pieces of texts"),
            new Tally("decoded")
        );
        foreach (var line in lines)
        {
            var where = line.File;
            var text = line.Text("text") ?? throw line.Missing("text");
            var got = tokenizer.Tokenize(text);
            var want = line.Integers("ids") ?? throw line.Missing("ids");
            normalized.Compare(where, got.Normalized, line.Text("normalized"));
            ids.CompareAll(where, tokenizer.Encode(text), want);
            pieces.CompareAll(
                where,
                [.. got.Sink.Tokens.ToArray().Select(token => PieceOf(token, got.Normalized, tokenizer))],
                line.Texts("pieces") ?? []
            );
            decoded.Compare(where, tokenizer.Decode([.. want]), line.Text("decoded"));
        }
        return [normalized.ToCheck(), ids.ToCheck(), pieces.ToCheck(), decoded.ToCheck()];
    }

    // SentencePiece shows unknown text as it is.
    private static string PieceOf(Token token, string normalized, SentencePieceTokenizer tokenizer) =>
        token.Id == tokenizer.UnkId ? normalized[token.Start..token.End] : tokenizer.Piece(token.Id);

    private static Check CheckDecode(IEnumerable<JsonSection> lines, SentencePieceTokenizer tokenizer)
    {
        var tally = new Tally("decode of random ids");
        foreach (var line in lines)
            tally.Compare(line.File, tokenizer.Decode([.. line.Integers("ids") ?? throw line.Missing("ids")]), line.Text("decoded"));
        return tally.ToCheck();
    }

    private static string NameOf(PieceKind kind) => kind == PieceKind.UserDefined ? "USER_DEFINED" : kind.ToString().ToUpperInvariant();
}
