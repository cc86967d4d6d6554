namespace GemmaScope.Workbench;

/// <summary>What all studies have in common.</summary>
public abstract record StudyJobOptions
{
    /// <summary>The run folder: a manifest, the parts that are done, the direction, the result and its page. A study that was broken off goes
    /// on there.</summary>
    public required string Out { get; init; }

    /// <summary>Whether what the folder holds of another study is thrown away.</summary>
    public bool Restart { get; init; }

    /// <summary>Decides the split, the controls and the draws of the bootstrap.</summary>
    public int Seed { get; init; }

    /// <summary>Draws of the bootstrap, from 1.</summary>
    public int Resamples { get; init; } = 1000;

    /// <summary>Whether prompts, and what the unedited model replies to them, are put into result and page.</summary>
    public bool ShowTexts { get; init; }

    /// <summary>When the study stops, between two parts, to be gone on with by the same command; null for when it is done.</summary>
    public TimeSpan? MaxTime { get; init; }

    /// <summary>Finds out what is wrong before a model is loaded.</summary>
    /// <exception cref="ArgumentProblemException">The folder has no name, or a number is too small.</exception>
    public virtual void Check()
    {
        if (string.IsNullOrWhiteSpace(Out))
            throw new ArgumentProblemException("is needed: the folder of the study", new Setting(nameof(Out)));
        if (File.Exists(Out))
            throw new ArgumentProblemException($"{Out} is a file; name a folder", new Setting(nameof(Out)));
        Require(Resamples, 1, nameof(Resamples));
        if (MaxTime is { } time && time <= TimeSpan.Zero)
            throw new ArgumentProblemException("must be more than nothing", new Setting(nameof(MaxTime)));
    }

    private protected static void Require(int value, int least, string name)
    {
        if (value < least)
            throw new ArgumentProblemException($"must be at least {least}", new Setting(name));
    }
}
