using GemmaScope.Files;
using GemmaScope.Text;

namespace GemmaScope.Evaluation;

/// <summary>A question about an entity: the model should continue the prompt with the value of the attribute.</summary>
/// <param name="Attribute">The attribute asked for.</param>
/// <param name="Entity">The entity.</param>
/// <param name="Ids">BOS and the prompt.</param>
/// <param name="Position">The entity's last token.</param>
/// <param name="Answer">The first token of the right answer.</param>
public sealed record RavelQuestion(string Attribute, string Entity, int[] Ids, int Position, int Answer);

/// <summary>
/// Entities with attributes, and prompts that ask for them (RAVEL; METHODS §6.2): of a folder the files
/// <c>ravel_DOMAIN_entity_attributes.json</c>,
/// <c>…_attribute_to_prompts.json</c> and <c>…_entity_to_split.json</c>, plain or gzipped.
/// </summary>
/// <param name="Domain">What the entities are, e.g. <c>city</c>.</param>
/// <param name="Values">Of each entity its attributes.</param>
/// <param name="Prompts">Of each attribute its prompts; <c>%s</c> stands for the entity.</param>
/// <param name="Training">The entities to learn from; the others are for measuring.</param>
public sealed record RavelSet(
    string Domain,
    IReadOnlyDictionary<string, IReadOnlyDictionary<string, string>> Values,
    IReadOnlyDictionary<string, IReadOnlyList<string>> Prompts,
    IReadOnlySet<string> Training
)
{
    private const string Place = "%s";

    /// <summary>Reads a domain.</summary>
    /// <exception cref="FileFormatException">A file is missing or has another form.</exception>
    public static RavelSet Load(string folder, string domain)
    {
        JsonSection Read(string part)
        {
            var path = Path.Combine(folder, $"ravel_{domain}_{part}.json");
            return JsonFile.Read(Packings.Endings.Select(ending => path + ending).FirstOrDefault(File.Exists) ?? path);
        }
        var (entities, prompts, splits) = (Read("entity_attributes"), Read("attribute_to_prompts"), Read("entity_to_split"));
        foreach (var attribute in prompts.Keys)
            if (prompts.Texts(attribute)!.FirstOrDefault(prompt => prompt.Split(Place).Length != 2) is { } wrong)
                throw prompts.Bad(attribute, $"must have prompts with one {Place} each, found '{wrong}'");
        return new RavelSet(
            domain,
            entities.Keys.ToDictionary(
                entity => entity,
                entity =>
                    (IReadOnlyDictionary<string, string>)
                        entities.Section(entity)!.Keys.ToDictionary(key => key, key => entities.Section(entity)!.Text(key) ?? "")
            ),
            prompts.Keys.ToDictionary(attribute => attribute, attribute => prompts.Texts(attribute)!),
            splits.Keys.Where(entity => splits.Text(entity) == "train").ToHashSet()
        );
    }

    /// <summary>Questions about some entities, in an order that only the seed decides; those whose answer does not begin a token are left
    /// out.</summary>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="entities">Entities at most, half of them to learn from.</param>
    /// <param name="promptsEach">Prompts of each attribute at most.</param>
    /// <param name="seed">The same seed asks the same.</param>
    public IReadOnlyList<RavelQuestion> Ask(Tokenizer tokenizer, int entities, int promptsEach, int seed)
    {
        var random = new Random(seed);
        string[] Draw(IEnumerable<string> from, int count)
        {
            var all = from.Order(StringComparer.Ordinal).ToArray();
            random.Shuffle(all);
            return all[..Math.Min(count, all.Length)];
        }
        string[] chosen =
        [
            .. Draw(Values.Keys.Where(Training.Contains), (entities + 1) / 2),
            .. Draw(Values.Keys.Where(entity => !Training.Contains(entity)), entities / 2),
        ];
        var prompts = Prompts
            .OrderBy(pair => pair.Key, StringComparer.Ordinal)
            .SelectMany(pair => Draw(pair.Value, promptsEach).Select(prompt => (Attribute: pair.Key, Prompt: prompt)))
            .ToArray();
        return
        [
            .. chosen
                .SelectMany(entity => prompts.Select(one => Question(tokenizer, one.Attribute, one.Prompt, entity)))
                .OfType<RavelQuestion>(),
        ];
    }

    private RavelQuestion? Question(Tokenizer tokenizer, string attribute, string prompt, string entity)
    {
        if (Values[entity].GetValueOrDefault(attribute) is not { Length: > 0 } answer)
            return null;
        var (start, text) = (prompt.IndexOf(Place, StringComparison.Ordinal), prompt.Replace(Place, entity, StringComparison.Ordinal));
        var asked = tokenizer.EncodeWithOffsets(text, addBos: true);
        // An answer stands behind a space, unless the prompt ends with one or opens a quote for it.
        var gap = char.IsWhiteSpace(text[^1]) || text[^1] is '"' or '\'' or '(' or '/' ? "" : " ";
        var answered = tokenizer.Encode(text + gap + answer, addBos: true);
        if (answered.Length <= asked.Ids.Count || !answered.Take(asked.Ids.Count).SequenceEqual(asked.Ids))
            return null;
        var position = Enumerable
            .Range(1, asked.Ids.Count - 1)
            .LastOrDefault(i => asked.Spans[i] is { Length: > 0 } span && span.Start < start + entity.Length && span.End > start);
        return position == 0 ? null : new RavelQuestion(attribute, entity, [.. asked.Ids], position, answered[asked.Ids.Count]);
    }
}
