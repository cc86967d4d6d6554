using GemmaScope.Files;

namespace GemmaScope.Text;

/// <summary>
/// The vocabulary in the keys of a GGUF file, checked. A converter has changed what a <c>tokenizer.model</c> said: tokens that a config
/// calls special have become control tokens, and runs of spaces are written plainly; here they become what they were, so that ids are
/// those of SentencePiece.
/// </summary>
internal sealed class GgufVocabulary
{
    /// <summary>The key of the tokens.</summary>
    public const string Tokens = "tokenizer.ggml.tokens";

    private const string Model = "tokenizer.ggml.model",
        Scores = "tokenizer.ggml.scores",
        Types = "tokenizer.ggml.token_type",
        Merges = "tokenizer.ggml.merges",
        Template = "tokenizer.chat_template",
        ImageToken = "<image_soft_token>";

    /// <summary>The control pieces of Gemma's vocabularies; all else that steers is a piece that a text can write out.</summary>
    private static readonly string[] Silent = ["<pad>", "<eos>", "<bos>", "<unk>"];

    private readonly GgufMetadata _keys;
    private readonly string[]? _tokens;
    private readonly long[]? _types;

    /// <exception cref="FileFormatException">The lists do not fit together, or an id is outside them.</exception>
    public GgufVocabulary(GgufFile file)
    {
        _keys = file.Metadata;
        _tokens = _keys.Texts(Tokens);
        if (_tokens is null)
            return;
        RequireLength(Scores);
        RequireLength(Types);
        _types = _keys.Integers(Types);
        foreach (var name in (string[])["bos", "eos", "eot", "padding", "unknown", "seperator", "mask"])
            Id(name);
    }

    /// <summary>Number of tokens, one for each row of the embedding; null where the file has none.</summary>
    public int? Count => _tokens?.Length;

    /// <summary>Rows that are tokens: behind them stand those that only fill up, and the mark of an image, which no text has.</summary>
    public int? RealCount
    {
        get
        {
            if (_tokens is null)
                return null;
            var count = _tokens.Length;
            while (count > 0 && ((PieceKind?)_types?[count - 1] == PieceKind.Unused || _tokens[count - 1] == ImageToken))
                count--;
            return count > 0 ? count : _tokens.Length;
        }
    }

    /// <summary>The token that begins a text.</summary>
    public int BosId => Id("bos") ?? Find("<bos>") ?? 2;

    /// <summary>Ids that end a generation: what the keys name, and what is found by its text, for files of Gemma 3 name none. The end of a
    /// turn is in the vocabularies of models too that were not tuned to chat.</summary>
    public IReadOnlyList<int> EndIds =>
        [
            .. ((int?[])[Id("eos"), Find("<eos>"), Id("eot"), .. ChatTemplate is null ? [] : ControlTokens.TurnEnds.Select(Find)])
                .OfType<int>()
                .Distinct()
                .DefaultIfEmpty(1),
        ];

    /// <summary>The model's chat template, or null.</summary>
    public ChatTemplateFile? ChatTemplate => _keys.Text(Template) is { } source ? new(_keys.File, source) : null;

    /// <summary>Special tokens by the names that templates have for them.</summary>
    public IReadOnlyDictionary<string, string> SpecialTokens =>
        new Dictionary<string, string>
        {
            ["bos_token"] = TextOf("bos", "<bos>"),
            ["eos_token"] = TextOf("eos", "<eos>"),
            ["unk_token"] = TextOf("unknown", "<unk>"),
            ["pad_token"] = TextOf("padding", "<pad>"),
        };

    /// <summary>What the keys ask for and is not done, a sentence each.</summary>
    public static IEnumerable<string> Notes(GgufFile file)
    {
        var keys = file.Metadata;
        if (keys.Flag("tokenizer.ggml.add_bos_token") is false)
            yield return $"{file.Path} asks for texts without BOS (tokenizer.ggml.add_bos_token); they get one here, as Gemma was trained, "
                + "unless it is left out by an option.";
        if (keys.Flag("tokenizer.ggml.add_eos_token") is true)
            yield return $"{file.Path} asks for an EOS behind each text (tokenizer.ggml.add_eos_token); none is put there here.";
    }

    /// <summary>The tokenizer.</summary>
    /// <exception cref="FileFormatException">The file has none, or one of a kind that is not read.</exception>
    public Tokenizer Tokenizer()
    {
        var kind = _keys.Text(Model) ?? throw Missing(Model);
        if (kind is not ("llama" or "gemma4"))
            throw _keys.Bad(Model, $"is '{kind}'; of Gemma 2 and 3 it is 'llama', a SentencePiece vocabulary, of Gemma 4 'gemma4'");
        if (_tokens is null)
            throw Missing(Tokens);
        if (kind == "gemma4")
            return BytePairs(_tokens);
        var scores = _keys.Singles(Scores) ?? throw Missing(Scores);
        var types = _types ?? throw Missing(Types);
        var known = _tokens.ToHashSet(StringComparer.Ordinal);
        var pieces = new List<(string, float, PieceKind)>(_tokens.Length);
        for (var id = 0; id < _tokens.Length; id++)
        {
            if (types[id] is < 1 or > 6)
                throw _keys.Bad(Types, $"has {types[id]} for token {id}; types are 1 to 6");
            pieces.Add(Piece(_tokens[id], (PieceKind)types[id], known) is var (text, type) ? (text, scores[id], type) : default);
        }
        return SentencePieceTokenizer.Of(
            SentencePieceModel.Of(_keys.File, pieces) with
            {
                BosPiece = _tokens[BosId],
                EosPiece = Find("<eos>") is null ? TextOf("eos", "<eos>") : "<eos>",
                PadPiece = TextOf("padding", "<pad>"),
                AddDummyPrefix = _keys.Flag("tokenizer.ggml.add_space_prefix") ?? true,
                RemoveExtraSpaces = _keys.Flag("tokenizer.ggml.remove_extra_whitespaces") ?? false,
                CharacterMap = _keys.Bytes("tokenizer.ggml.precompiled_charsmap") ?? [],
            }
        );
    }

    /// <summary>Gemma 4's vocabulary has merges, as in a tokenizer.json. Of its added tokens the file keeps the kind of those that steer.</summary>
    private JsonTokenizer BytePairs(string[] tokens)
    {
        var types = _types ?? throw Missing(Types);
        var added = tokens
            .Select((token, id) => new AddedToken(id, token, (PieceKind)types[id] is PieceKind.Control or PieceKind.Unknown))
            .Where(token => token.Special || (PieceKind)types[token.Id] == PieceKind.UserDefined);
        var json = TokenizerJson.Of(
            _keys.File,
            tokens,
            _keys.Texts(Merges) ?? throw Missing(Merges),
            added,
            Id("unknown") is { } unknown ? tokens[unknown]
                : Find("<unk>") is null ? null
                : "<unk>"
        );
        return JsonTokenizer.Of(json, _keys.File);
    }

    private static (string Text, PieceKind Kind) Piece(string token, PieceKind kind, HashSet<string> known)
    {
        if (kind is PieceKind.Control or PieceKind.Unknown)
            kind =
                token == "<unk>" ? PieceKind.Unknown
                : Silent.Contains(token) || kind == PieceKind.Unknown ? kind
                : PieceKind.UserDefined;
        // A run of spaces must be found where spaces have become visible.
        if (kind == PieceKind.UserDefined && token.Contains(' ', StringComparison.Ordinal))
        {
            var marked = token.Replace(' ', Vocabulary.SpaceMark);
            return (known.Contains(marked) ? token : marked, kind);
        }
        return (token, kind);
    }

    private string TextOf(string name, string standard) => Id(name) is { } id && _tokens is not null ? _tokens[id] : standard;

    private int? Find(string token) => _tokens is not null && Array.IndexOf(_tokens, token) is >= 0 and var id ? id : null;

    private int? Id(string name)
    {
        var key = $"tokenizer.ggml.{name}_token_id";
        if (_keys.Integer(key) is not { } id)
            return null;
        return _tokens is null || (uint)id < (uint)_tokens.Length
            ? id
            : throw _keys.Bad(key, $"is {id}, outside the {_tokens.Length} tokens; the file is damaged");
    }

    private void RequireLength(string key)
    {
        if (_keys.Count(key) is { } count && count != _tokens!.Length)
            throw _keys.Bad(key, $"has {count} values for {_tokens.Length} tokens; the file is damaged");
        if (_keys.Has(key) && _keys.Count(key) is null)
            throw _keys.Bad(key, "is no array");
    }

    private FileFormatException Missing(string key) =>
        new($"has no vocabulary ('{key}' is missing); get a file with one, or give the tokens as ids", _keys.File);
}
