using GemmaScope.Features.Exchange;

namespace GemmaScope.Store;

/// <summary>
/// Where dashboards, labels, notes and lists are kept. Safe to use from several threads; every change is a transaction: it is there as a
/// whole or not at all, also after a kill or on a full disk.
/// </summary>
/// <remarks>All members throw <see cref="GemmaScopeException"/> where the database cannot be read or written.</remarks>
public interface IFeatureDatabase : IDisposable
{
    /// <summary>A text that is another one after anything was changed, by this process or another. What was read since it was asked for is
    /// at least as new.</summary>
    string Version();

    /// <summary>All dictionaries that can be read, by model and name.</summary>
    IReadOnlyList<StoredDictionary> Dictionaries();

    /// <summary>model/name of dictionaries whose sizes cannot be, so that they have to be built or imported again.</summary>
    IReadOnlyList<string> DamagedDictionaries();

    /// <summary>
    /// Keeps every other job, of this process or another, out of some dictionaries until it is disposed: two that write the same one
    /// would mix their numbers. A process that is gone keeps nobody out. Reading goes on.
    /// </summary>
    /// <param name="dictionaries">Model and name of each, whether they are there already or not.</param>
    /// <exception cref="GemmaScopeException">Another job writes one of them, which is named.</exception>
    IDisposable Reserve(IEnumerable<(string Model, string Name)> dictionaries);

    /// <summary>
    /// Begins a dictionary. One of that name with the same description is gone on with; another one is replaced when this is complete
    /// enough to be written.
    /// </summary>
    /// <param name="source">Names, corpus and vocabulary.</param>
    /// <param name="name">Its name in addresses.</param>
    /// <param name="width">Features it has.</param>
    /// <param name="description">What its statistics are made of.</param>
    StoredDictionary Begin(DashboardSource source, string name, int width, string description);

    /// <summary>Adds features, or writes them anew; labels that are there stay.</summary>
    /// <param name="dictionary">The dictionary.</param>
    /// <param name="features">Features with whole examples.</param>
    void Write(StoredDictionary dictionary, IReadOnlyList<LabelledDashboard> features);

    /// <summary>Says that all features are written.</summary>
    void Complete(StoredDictionary dictionary);

    /// <summary>Removes a dictionary with its labels and notes; lists lose its features.</summary>
    void Delete(StoredDictionary dictionary);

    /// <summary>Evaluations of all dictionaries, by the dictionary's number.</summary>
    ILookup<long, StoredEvaluation> Evaluations();

    /// <summary>Adds an evaluation, or replaces the one of the same origin and text.</summary>
    void SaveEvaluation(StoredDictionary dictionary, StoredEvaluation evaluation);

    /// <summary>Names, corpus and vocabulary of a dictionary.</summary>
    DashboardSource Source(StoredDictionary dictionary);

    /// <summary>A feature's page by one indexed read, or null where it is not stored.</summary>
    FeaturePage? Page(StoredDictionary dictionary, int feature);

    /// <summary>The same with the whole passages of the examples, or null.</summary>
    FeaturePage? WholePage(StoredDictionary dictionary, int feature);

    /// <summary>The pages of several features in the order asked for, by one read; those that are not stored are left out.</summary>
    IReadOnlyList<FeaturePage> Pages(StoredDictionary dictionary, IReadOnlyList<int> features);

    /// <summary>Token ids of all passages that examples of a dictionary, or of another one over the same text, are taken from.</summary>
    IReadOnlyList<int[]> Passages(StoredDictionary dictionary);

    /// <summary>Lines of a dictionary's table, by index.</summary>
    IReadOnlyList<FeatureRow> Table(StoredDictionary dictionary, FeatureFilter filter);

    /// <summary>The lines of some features; those that are not stored are left out.</summary>
    IReadOnlyList<FeatureRow> Rows(StoredDictionary dictionary, IReadOnlyList<int> features);

    /// <summary>Adds labels; one of the same author and method replaces the earlier one. They are kept in the order of
    /// <see cref="FeatureLabel.BestFirst"/>.</summary>
    void AddLabels(StoredDictionary dictionary, IEnumerable<(int Feature, FeatureLabel Label)> labels);

    /// <summary>Writes the user's note on a feature; an empty one takes it away.</summary>
    void SetNote(StoredDictionary dictionary, int feature, string note);

    /// <summary>Features whose labels, promoted words or strongest tokens hold words that begin with each of those asked.</summary>
    /// <param name="text">Words; what is neither letter nor digit separates them.</param>
    /// <param name="limit">Features at most, the best first.</param>
    /// <param name="within">The dictionary they are searched in; null for all.</param>
    IReadOnlyList<SearchHit> Search(string text, int limit, StoredDictionary? within = null);

    /// <summary>The user's lists, by name.</summary>
    IReadOnlyList<FeatureList> Lists();

    /// <summary>Makes a list, or changes the note of the one of that name.</summary>
    /// <returns>Its number.</returns>
    long SaveList(string name, string note);

    /// <summary>Adds a feature to a list, or changes its note there.</summary>
    void AddToList(long list, StoredDictionary dictionary, int feature, string note);

    /// <summary>Takes a feature from a list.</summary>
    void RemoveFromList(long list, StoredDictionary dictionary, int feature);

    /// <summary>Removes a list.</summary>
    void DeleteList(long list);
}
