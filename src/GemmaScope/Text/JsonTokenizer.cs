namespace GemmaScope.Text;

/// <summary>A tokenizer read from a <c>tokenizer.json</c> of the form Gemma 2 and 3 have.</summary>
internal sealed class JsonTokenizer : Tokenizer
{
    private readonly LiteralMatcher _added;
    private readonly BytePairEncoder _bpe;

    private JsonTokenizer(TokenizerJson json, Vocabulary vocabulary, string file)
        : base(vocabulary, new() { BytesStandTogether = true }, file)
    {
        (AddedTokens, Merges, BaseVocabularySize) = (json.AddedTokens, json.Merges, json.BaseVocabularySize);
        UnkId = json.UnkPiece is { } piece ? vocabulary.Id(piece) : null;
        _added = new(AddedTokens.Select(t => (t.Content, t.Id)));
        _bpe = new(Merges, vocabulary.Count);
    }

    public IReadOnlyList<AddedToken> AddedTokens { get; }

    public MergeRules Merges { get; }

    public override int BaseVocabularySize { get; }

    // By name: a tokenizer_config.json may name another EOS (<end_of_turn>), which is a matter of chat, not of the vocabulary.
    public override int? BosId => Vocabulary.Id("<bos>");

    public override int? EosId => Vocabulary.Id("<eos>");

    public override int? PadId => Vocabulary.Id("<pad>");

    public override int? UnkId { get; }

    public static JsonTokenizer Read(ReadOnlySpan<byte> bytes, string file) => Of(TokenizerJson.Read(bytes, file), file);

    /// <summary>The tokenizer of contents that were read.</summary>
    public static JsonTokenizer Of(TokenizerJson json, string file)
    {
        var kinds = new PieceKind[json.Pieces.Length];
        for (var id = 0; id < kinds.Length; id++)
            kinds[id] = Vocabulary.TryParseByte(json.Pieces[id], out _) ? PieceKind.Byte : PieceKind.Normal;
        foreach (var added in json.AddedTokens)
            kinds[added.Id] = added.Special ? PieceKind.Control : PieceKind.UserDefined;
        return new(json, new(json.Pieces, kinds, json.Ids, file), file);
    }

    private protected override Tokenization TokenizeCore(string text)
    {
        // Added tokens are cut out of the text as it stands; only what lies between has its spaces replaced.
        var marked = text.Replace(' ', Vocabulary.SpaceMark);
        var sink = new TokenSink(Vocabulary.ByteIds, UnkId ?? 0);
        for (var from = 0; from < text.Length; )
        {
            var found = _added.TryFind(text, from, out var start, out var length, out var id);
            _bpe.Encode(marked.AsSpan(from, start - from), from, sink);
            if (found)
                sink.Add(id, start, start + length);
            from = start + length;
        }
        return new(marked, null, sink);
    }
}
