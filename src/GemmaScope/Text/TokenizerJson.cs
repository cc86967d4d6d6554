using System.Text.Json;
using GemmaScope.Files;

namespace GemmaScope.Text;

/// <summary>A token that is taken from the text as it stands.</summary>
internal sealed record AddedToken(int Id, string Content, bool Special);

/// <summary>
/// The contents of a <c>tokenizer.json</c>: BPE with byte fallback, spaces replaced by U+2581, nothing else done to the
/// text. Read in one pass, without a tree of the tens of megabytes. A component of any other form is an error that names it. The lists of a
/// GGUF file make one too.
/// </summary>
internal sealed class TokenizerJson
{
    private readonly string _file;
    private string[] _basePieces = [];
    private MergeRules? _merges;

    private TokenizerJson(string file) => _file = file;

    public string[] Pieces { get; private set; } = [];
    public Dictionary<string, int> Ids { get; } = [];
    public MergeRules Merges => _merges ?? throw Problem("it has no model.merges");
    public List<AddedToken> AddedTokens { get; } = [];
    public string? UnkPiece { get; private set; }
    public int BaseVocabularySize => _basePieces.Length;

    public static TokenizerJson Read(ReadOnlySpan<byte> bytes, string file)
    {
        var json = new TokenizerJson(file);
        if (bytes.StartsWith("\uFEFF"u8))
            bytes = bytes[3..];
        try
        {
            json.ReadRoot(new(bytes));
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException or KeyNotFoundException)
        {
            throw new FileFormatException($"not a tokenizer.json, or damaged: {e.Message}", file, e);
        }
        json.Check();
        return json;
    }

    /// <summary>The same of what stands elsewhere, as in a GGUF file.</summary>
    /// <param name="file">The file, for errors.</param>
    /// <param name="pieces">All pieces by id.</param>
    /// <param name="merges">Merges "left right", the first to be done first.</param>
    /// <param name="added">Those that are taken from the text as it stands.</param>
    /// <param name="unknown">The piece of what has none.</param>
    public static TokenizerJson Of(
        string file,
        string[] pieces,
        IReadOnlyList<string> merges,
        IEnumerable<AddedToken> added,
        string? unknown
    )
    {
        var json = new TokenizerJson(file) { UnkPiece = unknown };
        for (var id = 0; id < pieces.Length; id++)
            if (pieces[id].Length == 0 || !json.Ids.TryAdd(pieces[id], id))
                throw json.Problem($"piece {id} \"{pieces[id]}\" is empty, or there twice");
        json._basePieces = json.Pieces = pieces;
        json.AddedTokens.AddRange(added);
        var rules = json.NewMerges();
        for (var rank = 0; rank < merges.Count; rank++)
            json.AddMerge(rules, JoinedAtSpace(merges[rank], out var cut), cut, (uint)rank);
        json.Check();
        return json;

        ReadOnlySpan<char> JoinedAtSpace(string pair, out int cut) =>
            (cut = pair.IndexOf(' ', StringComparison.Ordinal)) > 0 && cut < pair.Length - 1
                ? pair.Remove(cut, 1)
                : throw json.Problem($"the merge \"{pair}\" is not two pieces with a space between");
    }

    private void ReadRoot(Utf8JsonReader reader)
    {
        var (normalizer, decoder) = (default(JsonElement), default(JsonElement));
        reader.Read();
        Expect(reader, JsonTokenType.StartObject, "the file");
        while (NextProperty(ref reader, out var name))
        {
            switch (name)
            {
                case "model":
                    ReadModel(ref reader);
                    break;
                case "added_tokens":
                    ReadAddedTokens(JsonElement.ParseValue(ref reader));
                    break;
                case "normalizer":
                    normalizer = JsonElement.ParseValue(ref reader);
                    break;
                case "pre_tokenizer":
                    TokenizerComponents.CheckPreTokenizer(JsonElement.ParseValue(ref reader), _file);
                    break;
                case "decoder":
                    decoder = JsonElement.ParseValue(ref reader);
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }
        // Nothing but white space may follow.
        reader.Read();
        TokenizerComponents.CheckNormalizer(normalizer, _file);
        TokenizerComponents.CheckDecoder(decoder, _file);
        Pieces = Assemble();
    }

    private void ReadModel(ref Utf8JsonReader reader)
    {
        Expect(reader, JsonTokenType.StartObject, "model");
        // Merges refer to the vocabulary; where they come first, a copy of the reader returns to them.
        var merges = default(Utf8JsonReader);
        var mergesCameFirst = false;
        var settings = new Dictionary<string, JsonElement>();
        while (NextProperty(ref reader, out var name))
        {
            switch (name)
            {
                case "vocab":
                    ReadVocabulary(ref reader);
                    break;
                case "merges" when Ids.Count == 0:
                    merges = reader;
                    mergesCameFirst = true;
                    reader.Skip();
                    break;
                case "merges":
                    ReadMerges(ref reader);
                    break;
                case "unk_token":
                    UnkPiece = reader.GetString();
                    break;
                default:
                    settings[name] = JsonElement.ParseValue(ref reader);
                    break;
            }
        }
        TokenizerComponents.CheckModel(settings, _file);
        if (mergesCameFirst)
            ReadMerges(ref merges);
    }

    private void ReadVocabulary(ref Utf8JsonReader reader)
    {
        Expect(reader, JsonTokenType.StartObject, "model.vocab");
        while (NextProperty(ref reader, out var piece))
            Ids[piece] = reader.GetInt32();
        _basePieces = new string[Ids.Count];
        foreach (var (piece, id) in Ids)
        {
            if ((uint)id >= (uint)_basePieces.Length || _basePieces[id] is not null)
                throw Problem($"piece \"{piece}\" has id {id}: the {Ids.Count} pieces must have the ids 0 to {Ids.Count - 1}, each once");
            if (piece.Length == 0)
                throw Problem($"piece {id} is empty");
            _basePieces[id] = piece;
        }
    }

    private void ReadMerges(ref Utf8JsonReader reader)
    {
        Expect(reader, JsonTokenType.StartArray, "model.merges");
        var rules = NewMerges();
        var buffer = new char[256];
        for (var rank = 0u; reader.Read() && reader.TokenType != JsonTokenType.EndArray; rank++)
        {
            var pair = ReadPair(ref reader, ref buffer, out var cut);
            AddMerge(rules, pair, cut, rank);
        }
    }

    private MergeRules NewMerges()
    {
        _merges = new(Ids.Count * 2);
        foreach (var (piece, id) in Ids)
            if (System.Text.Rune.DecodeFromUtf16(piece, out var rune, out var length) == 0 && length == piece.Length)
                _merges.AddCharacter(rune.Value, id);
        return _merges;
    }

    private void AddMerge(MergeRules merges, ReadOnlySpan<char> pair, int cut, uint rank)
    {
        var lookup = Ids.GetAlternateLookup<ReadOnlySpan<char>>();
        if (
            !lookup.TryGetValue(pair[..cut], out var left)
            || !lookup.TryGetValue(pair[cut..], out var right)
            || !lookup.TryGetValue(pair, out var merged)
        )
            throw Problem($"merge {rank} \"{pair[..cut]}\" + \"{pair[cut..]}\" has a part or a result that is not in the vocabulary");
        merges.Add(pair, cut, left, right, rank, merged);
    }

    /// <summary>Reads a merge, ["left", "right"] or "left right"; gives both parts joined, and where the second begins.</summary>
    private ReadOnlySpan<char> ReadPair(ref Utf8JsonReader reader, ref char[] buffer, out int cut)
    {
        if (reader.TokenType == JsonTokenType.String)
        {
            var length = Copy(ref reader, ref buffer, 0);
            cut = buffer.AsSpan(0, length).IndexOf(' ');
            if (cut < 1 || cut == length - 1)
                throw Problem($"the merge \"{buffer.AsSpan(0, length)}\" is not two pieces with a space between");
            buffer.AsSpan(cut + 1, length - cut - 1).CopyTo(buffer.AsSpan(cut));
            return buffer.AsSpan(0, length - 1);
        }
        Expect(reader, JsonTokenType.StartArray, "a merge");
        reader.Read();
        cut = Copy(ref reader, ref buffer, 0);
        reader.Read();
        var end = Copy(ref reader, ref buffer, cut);
        reader.Read();
        Expect(reader, JsonTokenType.EndArray, "the end of a merge");
        if (cut == 0 || end == cut)
            throw Problem("a merge has an empty part");
        return buffer.AsSpan(0, end);
    }

    private int Copy(ref Utf8JsonReader reader, ref char[] buffer, int at)
    {
        Expect(reader, JsonTokenType.String, "a part of a merge");
        // A string never has more UTF-16 units than bytes.
        if (buffer.Length - at < reader.ValueSpan.Length)
            Array.Resize(ref buffer, 2 * (at + reader.ValueSpan.Length));
        return at + reader.CopyString(buffer.AsSpan(at));
    }

    private void ReadAddedTokens(JsonElement tokens)
    {
        foreach (var token in tokens.EnumerateArray())
        {
            var content = token.GetProperty("content").GetString();
            if (string.IsNullOrEmpty(content))
                throw Problem("an added token has no content");
            foreach (var flag in (string[])["single_word", "lstrip", "rstrip", "normalized"])
                if (token.TryGetProperty(flag, out var value) && value.GetBoolean())
                    throw Problem($"added token \"{content}\" sets \"{flag}\", which is not supported");
            AddedTokens.Add(
                new(token.GetProperty("id").GetInt32(), content, token.TryGetProperty("special", out var special) && special.GetBoolean())
            );
        }
    }

    /// <summary>All pieces by id: the vocabulary, then the added tokens behind it.</summary>
    private string[] Assemble()
    {
        var pieces = _basePieces.ToList();
        foreach (var token in AddedTokens.OrderBy(t => t.Id))
        {
            if (Ids.TryAdd(token.Content, token.Id))
            {
                if (token.Id != pieces.Count)
                    throw Problem($"added token \"{token.Content}\" has id {token.Id} where {pieces.Count} is the next free one");
                pieces.Add(token.Content);
            }
            else if (Ids[token.Content] != token.Id)
                throw Problem($"added token \"{token.Content}\" has id {token.Id}, but {Ids[token.Content]} elsewhere");
        }
        return [.. pieces];
    }

    private void Check()
    {
        if (_basePieces.Length == 0)
            throw Problem("it has no model.vocab");
        for (var value = 0; value < 256; value++)
            if (!Ids.ContainsKey($"<0x{value:X2}>") && (value > 127 || Merges.SymbolOf(value) < 0))
                throw Problem($"it has neither the byte piece <0x{value:X2}> nor that character");
    }

    private static bool NextProperty(ref Utf8JsonReader reader, out string name)
    {
        reader.Read();
        name = reader.TokenType == JsonTokenType.PropertyName ? reader.GetString()! : "";
        return reader.TokenType == JsonTokenType.PropertyName && reader.Read();
    }

    private void Expect(in Utf8JsonReader reader, JsonTokenType type, string what)
    {
        if (reader.TokenType != type)
            throw Problem($"{what} is {reader.TokenType} instead of {type} (byte {reader.TokenStartIndex})");
    }

    private FileFormatException Problem(string what) =>
        new(
            $"not a usable {(_file.EndsWith(GgufFile.Extension, StringComparison.OrdinalIgnoreCase) ? "vocabulary" : "tokenizer.json")}: {what}",
            _file
        );
}
